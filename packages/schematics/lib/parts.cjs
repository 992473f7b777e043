const { parseFields } = require('./fields.cjs');
const { viewOf } = require('./model.cjs');
const { camel, kebab, pascal } = require('./names.cjs');
const { Refusal } = require('./refusal.cjs');
const { formatted } = require('./render.cjs');

/** @typedef {import('./diff.cjs').Changes} Changes */
/** @typedef {import('./feature.cjs').Plan} Plan */
/** @typedef {import('./house.cjs').Tree} Tree */

const MAX_DESCRIPTION = 500;

/** @param {string} text @param {string} what */
function assertDescription(text, what) {
  if (!text.trim()) throw new Refusal(`${what} needs a description, one sentence for operators: --description="…".`);
  if (text.length > MAX_DESCRIPTION || /[\r\n`\\]|\$\{/.test(text))
    throw new Refusal(`The description of ${what} is one line of ${MAX_DESCRIPTION} characters at most, without backquotes and backslashes.`);
}

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", '’')}'`;

/**
 * A setting more in a feature's `<feature>.settings.ts`.
 * @param {Tree} house
 * @param {{ name?: string, fields?: string, description?: string, public?: boolean }} options
 * @returns {Promise<Plan>}
 */
async function planSetting(house, { name: asked = '', fields: line = '', description = '', public: isPublic = false }) {
  // The Nest CLI writes names with dashes.
  const name = /^[\w.-]+$/.test(asked) ? asked.split('.').map(camel).join('.') : asked;
  const [prefix = '', key = ''] = name.split('.');
  if (!/^[a-z][a-zA-Z0-9]*\.[a-z][a-zA-Z0-9]*$/.test(name)) throw new Refusal(`"${name}" is no key of a setting: feature.name, such as invoices.maxOpen.`);
  const path = `src/${kebab(prefix)}/${kebab(prefix)}.settings.ts`;
  const before = house.read(path);
  if (before === null) throw new Refusal(`${path} is not there: a setting belongs to a feature that has some.`);
  if (/\s/.test(line.trim()) || !line.trim()) throw new Refusal(`A setting has one type: setting ${name} "int{min=1,max=10,default=5}".`);
  const [field] = parseFields(`${key}:${line.trim()}`, { tables: [], table: kebab(prefix) });
  if (field === undefined || ['ref', 'json', 'date', 'timestamptz', 'uuid', 'email'].includes(field.type))
    throw new Refusal(`A setting is of type text, int, number, bool or enum.`);
  const owner = house.files('src', /\.settings\.ts$/).find((file) => (house.read(file) ?? '').includes(`key: '${name}'`));
  if (owner === path) return { changes: new Map(), message: `${name} is there: nothing to do.` };
  if (owner !== undefined) throw new Refusal(`${owner} has a setting ${name} already.`);
  if (field.default === undefined && !field.nullable)
    throw new Refusal(`A setting has a default: "${line.trim()}" has none. Write {default=…}, or ? where it may be null.`);
  assertDescription(description, name);
  const { ts } = viewOf({ ...field, values: undefined }, { Class: 'Setting', table: kebab(prefix) });
  const type = field.values ? `${field.values.map(quoted).join(' | ')}${field.nullable ? ' | null' : ''}` : ts;
  const text = `  ${key}: defineSetting<${type}>({
    key: '${name}',
    schema: ${schemaOf(field)},
    default: ${field.default === undefined ? 'null' : typeof field.default === 'string' ? quoted(field.default) : String(field.default)},
    description: ${quoted(description.trim())},
${isPublic ? `    visibility: 'public',\n` : ''}  }),
`;
  const end = before.lastIndexOf('\n};');
  if (end === -1) throw new Refusal(`${path} has no list of settings that ends with "};": add it there by hand.`);
  const after = await formatted(house, path, `${before.slice(0, end + 1)}${text}${before.slice(end + 1)}`);
  return { changes: new Map([[path, { before, after }]]), message: `${name} is read with settings.get(…) and written at /v1/configurations/${name}.` };
}

/** @param {import('./fields.cjs').Field} field */
function schemaOf({ type, nullable, min, max, values }) {
  if (values) return `{ enum: [${[...values.map(quoted), ...(nullable ? ['null'] : [])].join(', ')}] }`;
  const kind = { text: 'string', int: 'integer', number: 'number', bool: 'boolean' }[type];
  const [low, high] = type === 'text' ? ['minLength', 'maxLength'] : ['minimum', 'maximum'];
  const bounds = type === 'bool' ? [] : [...(min === undefined ? [] : [`${low}: ${min}`]), ...(max === undefined ? [] : [`${high}: ${max}`])];
  return `{ ${[`type: ${nullable ? `['${kind}', 'null']` : `'${kind}'`}`, ...bounds].join(', ')} }`;
}

/**
 * A job in a feature: scheduled once for all replicas, with a test that it runs.
 * @param {Tree} house
 * @param {{ name?: string, fields?: string }} options the feature and the job's name, with a dot between; and a cron expression
 * @returns {Promise<Plan>}
 */
async function planJob(house, { name = '', fields: cron = '' }) {
  const [feature = '', own = ''] = name.split('.').map(kebab);
  if (!/^[a-z][\w-]*\.[a-zA-Z][\w-]*$/.test(name)) throw new Refusal(`"${name}" is no job: feature.name, such as invoices.remind.`);
  if (!/^(\S+ ){4}\S+$/.test(cron.trim()) || /[^\d*/,\s\-A-Za-z]/.test(cron))
    throw new Refusal(`"${cron}" is no schedule: five fields of cron in quotes, such as "0 3 * * *".`);
  const modulePath = `src/${feature}/${feature}.module.ts`;
  const module = house.read(modulePath);
  if (module === null) throw new Refusal(`${modulePath} is not there: a job belongs to a feature.`);
  const path = `src/${feature}/${own}.job.ts`;
  if (house.has(path)) return { changes: new Map(), message: `${path} is there: nothing to do.` };
  const Class = `${pascal(own)}Job`;
  const full = `${feature}-${own}`;
  const taken = house.files('src', /\.job\.ts$/).find((file) => new RegExp(`name = '${full}'|class ${Class}\\b`).test(house.read(file) ?? ''));
  if (taken !== undefined) throw new Refusal(`${taken} has a job of that name: choose another one.`);
  const spec = `test/${feature}/${own}.job.e2e-spec.ts`;
  /** @type {Changes} */
  const changes = new Map();
  const put = async (/** @type {string} */ file, /** @type {string} */ text) =>
    changes.set(file, { before: house.read(file), after: await formatted(house, file, text) });
  await put(
    path,
    `import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';

/** Of any number of replicas one runs a slot. What it does is to bear being done again, and is nothing yet. */
@Injectable()
export class ${Class} implements ScheduledJob, OnModuleInit {
  readonly name = '${full}';

  constructor(private readonly jobs: JobsService) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '${cron.trim()}', zone: 'Etc/UTC' };
  }

  /** @returns how many rows it changed; once \`stop\` is aborted it ends after the batch under way */
  async run(stop: AbortSignal): Promise<number> {
    let changed = 0;
    while (!stop.aborted) {
      const batch = await this.runBatch();
      changed += batch;
      if (batch === 0) break;
    }
    return changed;
  }

  /** A few hundred rows at a time, so that nothing waits for it. */
  private runBatch(): Promise<number> {
    return Promise.resolve(0);
  }
}
`,
  );
  await put(modulePath, wired(modulePath, module, Class, own));
  await put(
    spec,
    `import { JobsService } from '../../src/jobs/jobs.service';
import { makeAdmin } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('the job ${full}', () => {
  let service: Service;
  beforeAll(async () => (service = await startService()));
  afterAll(() => service.close());

  it('is listed with its schedule, runs, and has nothing to do when it has run', async () => {
    const jobs = service.app.get(JobsService, { strict: false });
    await jobs.runNow('${full}', 'command');
    expect(await jobs.runNow('${full}', 'command')).toBe(0);
    const admin = await makeAdmin(service);
    const { body } = await service.as(admin).get('/v1/jobs').expect(200);
    const job = (body.items as { name: string }[]).find(({ name }) => name === '${full}');
    expect(job).toMatchObject({ cron: '${cron.trim()}', timeZone: 'Etc/UTC', lastRuns: [{ status: 'succeeded' }, { status: 'succeeded' }] });
  });
});
`,
  );
  return { changes, message: `${full} runs at "${cron.trim()}" (UTC), once for all replicas. What it does belongs in runBatch() of ${path}.` };
}

/** The module with the job, and with that of jobs. @param {string} path @param {string} source @param {string} Class @param {string} own */
function wired(path, source, Class, own) {
  const imports = `import { ${Class} } from './${own}.job';\n`;
  const last = [...source.matchAll(/^import .*;\n/gm)].at(-1);
  if (last === undefined || !/\bproviders: \[/.test(source) || !/\bimports: \[/.test(source))
    throw new Refusal(`${path} has no list of imports and providers: add the job there by hand.`);
  const at = (last.index ?? 0) + last[0].length;
  const needed = source.includes('JobsModule') ? imports : `import { JobsModule } from '../jobs/jobs.module';\n${imports}`;
  let text = source.slice(0, at) + needed + source.slice(at);
  if (!source.includes('JobsModule')) text = text.replace(/\bimports: \[/, 'imports: [JobsModule, ');
  return text.replace(/\bproviders: \[/, `providers: [${Class}, `);
}

/**
 * A command of `quotidian`, with the application at hand, and a test that it is called.
 * @param {Tree} house
 * @param {{ name?: string, description?: string }} options
 * @returns {Promise<Plan>}
 */
async function planCommand(house, { name = '', description = '' }) {
  if (!/^[a-z][a-z0-9-]*(:[a-z][a-z0-9-]*)?$/.test(name))
    throw new Refusal(`"${name}" is no command: small letters, and a colon between what and how, such as invoices:purge.`);
  const own = name.replace(':', '-');
  const path = `src/cli/${own}.ts`;
  const [cli, before] = ['src/cli/commands.ts', house.read('src/cli/commands.ts') ?? ''];
  if (house.has(path)) return { changes: new Map(), message: `${path} is there: nothing to do.` };
  assertDescription(description, name);
  const place = /^};\n\nconst GROUPS/m.exec(before);
  if (place === null) throw new Refusal(`${cli} has not the list of commands where this one belongs: it was edited.`);
  const entry = `  ${/^\w+$/.test(name) ? name : `'${name}'`}: () => import('./${own}.js'),\n`;
  const spec = `test/cli/${own}.e2e-spec.ts`;
  const readme = house.read('README.md') ?? '';
  const row = /\| `secrets:rotate` .*\n/.exec(readme);
  /** @type {Changes} */
  const changes = new Map();
  const put = async (/** @type {string} */ file, /** @type {string} */ text) =>
    changes.set(file, { before: house.read(file), after: await formatted(house, file, text) });
  await put(
    path,
    `import { type Command } from 'commander';
import { DataSource } from 'typeorm';
import { withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('${name}')
    .description(${quoted(description.trim())})
    .option('--json', 'print { ${camel(own)} } for machines')
    .action(async ({ json }: { json?: boolean }) => {
      const done = await withApp((app) => carryOut(app.get(DataSource)));
      process.stdout.write(json ? \`\${JSON.stringify({ ${camel(own)}: done })}\\n\` : \`Done: \${done}.\\n\`);
    });
}

/** What it does, with the service's own classes: \`app.get(…)\`. Nothing yet. @returns how many rows it changed */
function carryOut(_: DataSource): Promise<number> {
  return Promise.resolve(0);
}
`,
  );
  await put(cli, `${before.slice(0, place.index)}${entry}${before.slice(place.index)}`);
  await put(
    spec,
    `import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../support/command';
import { createDatabase, type TestDatabase } from '../support/databases';

describe('quotidian ${name}', () => {
  let database: TestDatabase;
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-command-'));
  beforeAll(async () => (database = await createDatabase()));
  afterAll(async () => {
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is done, and answers machines in JSON', async () => {
    const { code, stdout, stderr } = await run(['${name}', '--json'], { DATABASE_URL: database.url, DATA_DIR: folder });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ ${camel(own)}: 0 });
  });
});
`,
  );
  if (row !== null) {
    const at = row.index + row[0].length;
    await put('README.md', `${readme.slice(0, at)}| \`${name}\` | ${description.trim().replaceAll('|', '\\|')} |\n${readme.slice(at)}`);
  }
  return { changes, message: `quotidian ${name}: what it does belongs in carryOut() of ${path}.` };
}

module.exports = { planCommand, planJob, planSetting };
