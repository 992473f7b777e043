// `npm run errors` writes what is known of each problem into docs/errors/<code>.md, from the classes and from openapi.json, and the list of them.
// What stands outside the marks is written by people and stays. `npm run errors:check` (`--check`) refuses what is not up to date, a page that is
// missing or left over, and a part that nobody wrote.
import { STATUS_CODES } from 'node:http';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { format } from 'prettier';
import { built } from './with-database.mjs';

const FOLDER = 'docs/errors';
const LIST = 'README.md';
const [BEGIN, END] = ['<!-- written by npm run errors -->', '<!-- end -->'];
const SECTIONS = ['When it happens', 'What to do', 'Example'];
const STYLE = JSON.parse(readFileSync('.prettierrc.json', 'utf8'));
const SHOWN_ROUTES = 8;
const check = process.argv.includes('--check');

/** @typedef {{ code: string, status: number, type: string, title: string, members: string[], fields: string[] }} Kind */

const kinds = problemKinds();
const { routesOf, count } = documented();
const known = new Map(kinds.map((kind) => [`${kind.code}.md`, kind]));
const problems = [];

for (const [name, kind] of known) {
  const path = join(FOLDER, name);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : SECTIONS.map((section) => `## ${section}\n`).join('\n');
  const after = await pageOf(kind, before);
  for (const section of SECTIONS) if (!new RegExp(`^## ${section}\n\n[^#\\s]`, 'm').test(after)) problems.push(`${path}: nobody wrote "${section}"`);
  settle(path, after);
}
settle(join(FOLDER, LIST), await listOf());
for (const name of readdirSync(FOLDER).filter((file) => !known.has(file) && file !== LIST)) {
  if (check) problems.push(`${FOLDER}/${name}: no problem has that code`);
  else rmSync(join(FOLDER, name));
}
for (const line of problems) console.log(line);
console.log(`${kinds.length} codes, ${count} operations`);
process.exit(problems.length === 0 ? 0 : 1);

function settle(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  if (check) problems.push(`${path} is not up to date: npm run errors, and commit it`);
  else writeFileSync(path, text);
}

/** Every class of a problem that has a code of its own. @returns {Kind[]} */
function problemKinds() {
  const { Problem, titleOf } = built('http/problem.js');
  const { problemType } = built('http/problem-type.js');
  const require = createRequire(import.meta.url);
  const root = join(process.cwd(), 'dist/src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => /(\.errors|^http\/problem)\.js$/.test(file));
  const classes = new Set(files.flatMap((file) => Object.values(require(join(root, file)))).filter((value) => value?.prototype instanceof Problem));
  /** @type {Map<string, Kind>} */
  const found = new Map();
  for (const { code, status, type, title, members, fields } of classes) {
    if (!code) continue;
    const kind = {
      code,
      status,
      type: type ?? problemType(code),
      title: title ?? titleOf(status),
      members: names(Object.keys(members)),
      fields: names(fields),
    };
    const other = found.get(code);
    if (other && (other.status !== status || other.type !== kind.type)) problems.push(`${code} has two statuses or types: ${other.status}, ${status}`);
    found.set(code, other ?? kind);
  }
  return [...found.values()].sort((a, b) => a.code.localeCompare(b.code));
}

/** A question mark stands behind what may be missing. */
function names(written) {
  return written.map((name) => (name.endsWith('?') ? `\`${name.slice(0, -1)}\` (not always)` : `\`${name}\``));
}

/** Which operations answer with which code, by the document. */
function documented() {
  const { paths, components } = JSON.parse(readFileSync('openapi.json', 'utf8'));
  /** @type {Map<string, string[]>} */
  const routesOf = new Map();
  let count = 0;
  const resolve = (part) =>
    part.$ref
      ? part.$ref
          .split('/')
          .slice(2)
          .reduce((at, name) => at[name], components)
      : part;
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(item)) {
      if (!responses) continue;
      count++;
      const codes = Object.values(responses).flatMap((response) => {
        const schema = resolve(response).content?.['application/problem+json']?.schema;
        return schema ? (schema.oneOf ?? schema.anyOf ?? [schema]).flatMap((kind) => resolve(kind).properties?.code?.enum ?? []) : [];
      });
      for (const code of new Set(codes)) routesOf.set(code, [...(routesOf.get(code) ?? []), `\`${method.toUpperCase()} ${path}\``]);
    }
  }
  return { routesOf, count };
}

function answeredBy(code) {
  // A document that names no codes says nothing of routes.
  if (routesOf.size === 0) return '';
  const routes = routesOf.get(code) ?? [];
  if (routes.length === 0) return 'no route by itself: the connection, a proxy’s check or an item of a call with many';
  return routes.length > SHOWN_ROUTES ? `${routes.length} of ${count} operations` : routes.join('<br>');
}

/** @param {Kind} kind */
function pageOf({ code, status, type, title, members, fields }, before) {
  const rows = [
    ['status', `${status} ${STATUS_CODES[status] ?? 'Client Closed Request'}`],
    ['title', title],
    ['type', `\`${type}\``],
    ['members', members.join(', ')],
    ['header', fields.join(', ')],
    ['answered by', answeredBy(code)],
  ];
  const facts = ['| | |', '| --- | --- |', ...rows.filter(([, value]) => value !== '').map((row) => `| ${row.join(' | ')} |`)].join('\n');
  const own = before.includes(END) ? before.slice(before.indexOf(END) + END.length) : `\n\n${before}`;
  const kept = own.replace(/```json\n([\s\S]*?)```/, (_, json) => `\`\`\`json\n${example(json, { type, title, status, code })}\n\`\`\``);
  return format(`# ${code}\n\n${BEGIN}\n\n${facts}\n\n${END}${kept}`, { ...STYLE, parser: 'markdown' });
}

/** An example that people wrote, with the members that every answer of the kind shares. */
function example(json, { type, title, status, code }) {
  const { detail, instance = 'urn:quotidian:request:5f0c4a52-6f5c-4d0b-9a8e-3f6a1b2c4d5e', ...members } = JSON.parse(json);
  for (const shared of ['type', 'title', 'status', 'code']) delete members[shared];
  return JSON.stringify({ type, title, status, detail, code, ...members, instance }, null, 2);
}

function listOf() {
  const rows = [...kinds]
    .sort((a, b) => a.status - b.status || a.code.localeCompare(b.code))
    .map(({ code, status, title }) => `| ${status} | [${code}](${code}.md) | ${title} |`);
  const text = `# Errors

${BEGIN}

Every refusal is \`application/problem+json\` (RFC 9457) with a stable \`code\`, and each code has a page: here, and at \`/errors/<code>\` of a running service. A problem's \`type\` is
the address of its page (\`PROBLEM_TYPE_BASE\`), unless a registry names the kind: then it is the registered one.

| status | code | title |
| --- | --- | --- |
${rows.join('\n')}
`;
  return format(text, { ...STYLE, parser: 'markdown' });
}
