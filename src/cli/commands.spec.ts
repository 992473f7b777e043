import { type Command } from 'commander';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../package.json';
import { programOf } from './commands';
import { completionScript } from './completion-scripts';

const ROOT = join(__dirname, '..', '..');
/** How PostgreSQL is shown who holds a connection, and what locks are derived from. */
const NAMES_OF_SESSIONS = /application(?:_name)?: 'quotidian|sha256\('quotidian/;

function filesBelow(folder: string, end: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(end) && !/\.(spec|repository)\.ts$/.test(file))
    .map((file) => join(folder, file));
}

/** Each `quotidian <command> [<subcommand>]` that stands quoted in a text. */
function namedIn(file: string): string[] {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n');
  return lines
    .filter((line) => !NAMES_OF_SESSIONS.test(line))
    .flatMap((line) =>
      [...line.matchAll(/[`'"]quotidian ([a-z][a-z:-]*)(?: ([a-z][a-z-]*))?/g)].map(([, command = '', sub = '']) => `${command} ${sub}`.trim()),
    );
}

describe('the command line', () => {
  let program: Command;
  beforeAll(async () => {
    program = await programOf();
  });

  it('has every command that a finding, a message or a page suggests', () => {
    const files = [...filesBelow('src', '.ts'), ...filesBelow('docs', '.md'), 'README.md', 'CHANGELOG.md', '.env.example'];
    const named = files.flatMap((file) => namedIn(file).map((command) => ({ file, command })));
    expect(named.length).toBeGreaterThan(40);
    const missing = named.filter(({ command }) => {
      const [name, sub] = command.split(' ');
      const found = program.commands.find((one) => one.name() === name);
      return found === undefined || (found.commands.length > 0 && sub !== undefined && !found.commands.some((one) => one.name() === sub));
    });
    expect(missing).toEqual([]);
  });

  it('loads by its name every command that it lists, and describes each', async () => {
    expect(program.version()).toBe(version);
    for (const command of program.commands) {
      const alone = await programOf(command.name());
      expect(alone.commands.map((one) => one.name())).toContain(command.name());
      for (const one of [command, ...command.commands]) expect([one.name(), one.description().length > 10]).toEqual([one.name(), true]);
    }
  });

  it('has a flag for no secret, and asks before each operation that removes something', () => {
    const all = program.commands.flatMap((command) => (command.commands.length > 0 ? [...command.commands] : [command]));
    const secrets = all.flatMap((command) => command.options.filter(({ long }) => /password$|secret$|token$|^--api-key$/.test(long ?? '')));
    expect(secrets.map(({ flags }) => flags)).toEqual([]);
    const removing = all.filter((command) => ['delete', 'revoke', 'reset', 'cancel', 'rotate', 'rollback', 'rotate-secret'].includes(command.name()));
    expect(removing.length).toBeGreaterThan(8);
    expect(removing.filter(({ options }) => !options.some(({ long }) => long === '--yes')).map((command) => command.name())).toEqual([]);
  });

  it.each([
    ['quotidian us', ['users', 'user-settings']],
    ['quotidian quota:', ['reset']],
    ['quotidian users ', ['list', 'get', 'create', 'update', 'delete', 'export']],
    ['quotidian users list --st', ['--status']],
    ['quotidian audit --ch', ['--chain']],
    ['quotidian users list --status active --ti', ['--tier']],
    ['quotidian nonsense --', []],
  ])('completes %j in bash', (line, expected) => {
    const script = `${completionScript('bash', program)}\nCOMP_LINE="$1" COMP_POINT=\${#1}\n_quotidian\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
    const found = execFileSync('bash', ['--norc', '-c', script, 'bash', line], { encoding: 'utf8' });
    expect(found.split('\n').filter(Boolean)).toEqual(expected);
  });

  it('completes every command and flag in zsh and fish', () => {
    const all = program.commands.flatMap((command) => [command, ...command.commands]);
    for (const shell of ['zsh', 'fish'] as const) {
      const script = completionScript(shell, program);
      const missing = all.flatMap((command) => [
        command.name(),
        ...(command.commands.length > 0 ? [] : command.options.map(({ long }) => (shell === 'fish' ? `-l ${long?.slice(2)}` : String(long)))),
      ]);
      expect(missing.filter((part) => !script.includes(part))).toEqual([]);
    }
  });
});
