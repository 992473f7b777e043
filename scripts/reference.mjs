// `npm run reference` writes docs/reference/ from the built code: settings, environment variables, commands and metrics. `npm run reference:check`
// (`--check`) refuses pages that are not up to date.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { format } from 'prettier';
import { holds } from './alike.mjs';
import { isMain } from './is-main.mjs';
import { built } from './built.mjs';

const FOLDER = 'docs/reference';
const STYLE = JSON.parse(readFileSync('.prettierrc.json', 'utf8'));
const BUILT = resolve('dist/src');
const BEGIN = '<!-- written by npm run reference -->';
const require = createRequire(import.meta.url);
const loaded = (/** @type {RegExp} */ pattern) =>
  readdirSync(BUILT, { recursive: true, encoding: 'utf8' })
    .filter((file) => pattern.test(file))
    .sort()
    .map((file) => require(join(BUILT, file)));

/**
 * Writes the pages, or with `check` only looks at them.
 * @param {{ check?: boolean }} [options]
 * @returns {Promise<{ stale: string[], count: number }>}
 */
export async function writeReference({ check = false } = {}) {
  const pages = { 'settings.md': settings(), 'environment.md': environment(), 'cli.md': commands(), 'metrics.md': metrics(), 'README.md': index() };
  const stale = [];
  for (const [name, text] of Object.entries(pages)) {
    const path = join(FOLDER, name);
    if (!check && holds(path, text)) continue;
    const made = await format(text, { ...STYLE, parser: 'markdown' });
    if (existsSync(path) && readFileSync(path, 'utf8') === made) continue;
    stale.push(path);
    if (check) continue;
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, made);
  }
  return { stale, count: Object.keys(pages).length };
}

function index() {
  return page('Reference', 'Generated from the code, and held to it by CI.', [
    table(
      ['what', 'page'],
      [
        ['what operators change while it runs', '[settings](settings.md)'],
        ['what a process is started with', '[environment](environment.md)'],
        ['the `quotidian` command', '[commands](cli.md)'],
        ['what Prometheus reads', '[metrics](metrics.md)'],
        ['every route', '[openapi.json](../../openapi.json), and `/docs` of a running service'],
        ['every refusal', '[errors](../errors/README.md)'],
      ],
    ),
  ]);
}

function settings() {
  const { declaredSettings } = built('settings/setting.js');
  loaded(/\.settings\.js$/);
  const all = [...declaredSettings().values()].sort((a, b) => a.key.localeCompare(b.key));
  const groups = grouped(all, groupOf);
  const parts = [...groups].flatMap(([group, own]) => [
    `## ${group}`,
    ...own.flatMap((setting) => [`### ${code(setting.key)}`, setting.description, list(factsOf(setting))]),
  ]);
  return page(
    'Settings',
    'Read at once from memory, changed while it runs: `PUT /v1/configurations/{key}`, `quotidian config:apply`. A user’s own value, where users may have one, counts before the system’s, and that before the default.',
    parts,
  );
}

function groupOf({ key }) {
  return key.split('.')[0];
}

function factsOf({ schema, default: standard, unit, visibility, overridable, bounds }) {
  return [
    `default: ${code(JSON.stringify(standard))}${unit === null ? '' : ` ${unit}`}`,
    `value: ${valueOf(schema)}`,
    `seen by: ${visibility === 'public' ? 'users' : 'operators'}`,
    ...(overridable ? [`users may have their own${bounds ? `: ${valueOf(bounds)}` : ''}`] : []),
  ];
}

/** A schema in words, where it is a plain one; else as it is. */
function valueOf({ type, enum: values, minimum, maximum, minLength, maxLength, format: form, ...rest }) {
  const range = (low, high, what) => (low === undefined && high === undefined ? '' : `, ${low ?? 'any'} to ${high ?? 'any'}${what}`);
  const plain = Object.keys(rest).length === 0;
  if (plain && values) return values.map((value) => code(JSON.stringify(value))).join(', ');
  if (plain && type)
    return `${[type].flat().join(' or ')}${form ? ` (${form})` : ''}${range(minimum, maximum, '')}${range(minLength, maxLength, ' characters')}`;
  const whole = { type, enum: values, minimum, maximum, minLength, maxLength, format: form, ...rest };
  return `by the schema\n\n  \`\`\`json\n${indented(JSON.stringify(whole, null, 2))}\n  \`\`\`\n`;
}

function environment() {
  const rows = [];
  let comment = [];
  for (const line of readFileSync('.env.example', 'utf8').split('\n')) {
    const [, name, value] = /^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) rows.push([code(name), value ? code(value) : '', comment.join(' ')]);
    if (name !== undefined || line === '') comment = [];
    else comment.push(line.replace(/^# ?/, ''));
  }
  return page(
    'Environment',
    'Of the process, or a `.env` file in its working directory; the process wins. An empty variable counts as unset. What is wrong is named at the start, all of it at once.',
    [table(['variable', 'default', 'what it is'], rows)],
  );
}

function commands() {
  const { Command } = require('commander');
  const program = new Command('quotidian');
  for (const { register } of loaded(/^cli\/[^/]+\.js$/)) register?.(program);
  const own = [...program.commands].sort((a, b) => a.name().localeCompare(b.name()));
  const whole = own.flatMap((command) =>
    command.commands.length > 0
      ? [{ command, group: '' }, ...command.commands.map((sub) => ({ command: sub, group: `${command.name()} ` }))]
      : [{ command, group: '' }],
  );
  const parts = whole.flatMap(({ command, group }) => [
    `${group ? '###' : '##'} ${code(`quotidian ${group}${command.name()}${command.registeredArguments.map((argument) => ` ${argument.required ? `<${argument.name()}>` : `[${argument.name()}]`}`).join('')}`)}`,
    command.description(),
    list([
      ...command.registeredArguments.filter(({ description }) => description).map((argument) => `${code(argument.name())}: ${argument.description}`),
      ...command.options.map(({ flags, description, defaultValue, mandatory }) => {
        const standard = defaultValue === undefined || defaultValue === false ? '' : ` (default ${code(JSON.stringify(defaultValue))})`;
        return `${code(flags)}${description || standard ? ': ' : ''}${description}${standard}${mandatory ? '; must be given' : ''}`;
      }),
    ]),
  ]);
  return page(
    'Commands',
    '`npm run cli -- <command>` in the tree, `quotidian <command>` where it is installed. Exit codes: 0 done, 1 it failed or found a difference, 2 it was called wrongly.',
    parts,
  );
}

function metrics() {
  const { MetricsService } = built('metrics/metrics.service.js');
  // Figures are read from the service's parts when somebody asks: only their names are wanted here.
  const part = new Proxy(() => undefined, { get: (_, name) => (name === 'then' ? undefined : part), apply: () => part });
  const service = new MetricsService(...Array(MetricsService.length).fill(part));
  const own = service.registry.getMetricsAsArray().filter(({ name }) => name.startsWith('quotidian_'));
  const rows = own.map(({ name, type, labelNames = [], help }) => [code(name), type, labelNames.map(code).join(', '), help]);
  return page(
    'Metrics',
    '`GET /metrics`, in the text format of Prometheus. Beside these there are `process_…` and `nodejs_…`, the default metrics of prom-client.',
    [table(['metric', 'type', 'labels', 'what it is'], rows)],
  );
}

function page(title, lead, parts) {
  return `# ${title}\n\n${BEGIN}\n\n${lead}\n\n${parts.filter(Boolean).join('\n\n')}\n`;
}

function table(heads, rows) {
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(items) {
  return items.map((item) => `- ${item}`).join('\n');
}

function indented(text) {
  return text.replace(/^/gm, '  ');
}

function code(text) {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check');
  const { stale, count } = await writeReference({ check });
  if (check) for (const path of stale) console.log(`${path} is not up to date: npm run reference, and commit it`);
  console.log(`${count} pages of reference`);
  process.exit(check && stale.length > 0 ? 1 : 0);
}
