import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Environment, parseEnvironment } from '../src/config/environment';

/** A variable of the file: commented out when it has no value of its own, as `# NAME=`. */
const LINE = /^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/;

interface Variable {
  name: string;
  value: string;
  comment: string[];
}

function variablesOf(text: string): Variable[] {
  const variables: Variable[] = [];
  let comment: string[] = [];
  for (const line of text.split('\n')) {
    const [, name, value = ''] = LINE.exec(line) ?? [];
    if (name !== undefined) variables.push({ name, value, comment });
    if (name !== undefined || line === '') comment = [];
    else comment.push(line);
  }
  return variables;
}

/** What compose.yaml asks for beside what the service reads. */
const OF_COMPOSE = ['POSTGRES_PASSWORD'];

describe('.env.example', () => {
  const read = (path: string) => readFileSync(join(__dirname, '..', path), 'utf8');
  const all = variablesOf(read('.env.example'));
  const variables = all.filter(({ name }) => !OF_COMPOSE.includes(name));
  const defaults = new Environment() as unknown as Record<string, unknown>;

  it('names every variable that is read, once, and no other', () => {
    expect(variables.map(({ name }) => name).sort()).toEqual(Object.keys(defaults).sort());
  });

  it.each(['compose.yaml', 'deploy/compose/compose.yaml'])('names every variable that %s asks for', (path) => {
    const asked = [...read(path).matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name);
    expect(asked).toContain('POSTGRES_PASSWORD');
    expect(asked.filter((name) => !all.some((one) => one.name === name))).toEqual([]);
  });

  it('shows each default, and leaves what has none commented out and empty', () => {
    for (const { name, value } of variables) expect([name, value]).toEqual([name, String((defaults[name] as string | undefined) ?? '')]);
  });

  it('states what each is for', () => {
    for (const { name, comment } of all) {
      expect([name, comment.every((line) => line.startsWith('# ')) && comment.join(' ').length > 20]).toEqual([name, true]);
    }
  });

  it('is itself an environment that the service takes, and means the defaults', () => {
    const raw = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
    expect(parseEnvironment(raw)).toEqual(new Environment());
  });
});
