// `npm run errors` writes what is known of each problem into docs/errors/<code>.md, from the classes and from openapi.json, and the list of them.
// What stands outside the marks is written by people and stays. `npm run errors:check` (`--check`) refuses what is not up to date, a page that is
// missing or left over, a part that nobody wrote, and an example that is none.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import { format } from 'prettier';
import { holds } from './alike.mjs';
import { isMain } from './is-main.mjs';
import { documentedRoutes, problemKinds } from './problem-kinds.mjs';

const FOLDER = 'docs/errors';
const LIST = 'README.md';
const [BEGIN, END] = ['<!-- written by npm run errors -->', '<!-- end -->'];
const SECTIONS = ['When it happens', 'What to do', 'Example'];
const EXAMPLE = /```json\n([\s\S]*?)```/;
const STYLE = JSON.parse(readFileSync('.prettierrc.json', 'utf8'));
const SHOWN_ROUTES = 8;
const INSTANCE = 'urn:quotidian:request:5f0c4a52-6f5c-4d0b-9a8e-3f6a1b2c4d5e';
const COMMON = ['type', 'title', 'status', 'detail', 'code', 'instance'];

/**
 * Writes the pages, or with `check` only looks at them.
 * @param {{ check?: boolean }} [options]
 * @returns {Promise<{ problems: string[], count: number }>} what somebody has to mend
 */
export async function writeErrors({ check = false } = {}) {
  const kinds = problemKinds();
  const routes = documentedRoutes();
  /** @type {string[]} */
  const problems = [];
  for (const kind of kinds) {
    const path = join(FOLDER, `${kind.code}.md`);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : SECTIONS.map((section) => `## ${section}\n`).join('\n');
    const after = await settle(path, pageOf(kind, before, routes));
    problems.push(...flawsOf(kind, after).map((flaw) => `${path}: ${flaw}`));
  }
  await settle(join(FOLDER, LIST), listOf(kinds));
  const names = new Set(kinds.map(({ code }) => `${code}.md`));
  for (const name of readdirSync(FOLDER).filter((file) => !names.has(file) && file !== LIST)) {
    if (check) problems.push(`${FOLDER}/${name}: no problem has that code`);
    else rmSync(join(FOLDER, name));
  }
  return { problems, count: kinds.length };

  /** Returns the page as it is to be. @param {string} path @param {string} text */
  async function settle(path, text) {
    const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
    if (!check && before !== null && holds(path, text)) return before;
    const after = await format(text, { ...STYLE, parser: 'markdown' });
    if (before !== after && check) problems.push(`${path} is not up to date: npm run errors, and commit it`);
    if (before !== after && !check) writeFileSync(path, after);
    return after;
  }
}

function flawsOf({ members }, page) {
  const missing = SECTIONS.filter((section) => !new RegExp(`^## ${section}\n\n[^#\\s]`, 'm').test(page)).map((section) => `nobody wrote "${section}"`);
  const shown = Object.keys(JSON.parse(EXAMPLE.exec(page)?.[1] ?? '{}'));
  if (shown.length === 0) return missing;
  const absent = members.filter((name) => !name.endsWith('?') && !shown.includes(name)).map((name) => `the example has no "${name}"`);
  const unknown = shown.filter((name) => ![...COMMON, ...members, ...members.map((member) => member.replace('?', ''))].includes(name));
  return [...missing, ...absent, ...unknown.map((name) => `the example has a "${name}", which such a problem has not`)];
}

/** @param {import('./problem-kinds.mjs').Kind} kind */
function pageOf(kind, before, routes) {
  const { code, status, type, title, members, fields } = kind;
  const rows = [
    ['status', `${status} ${STATUS_CODES[status] ?? 'Client Closed Request'}`],
    ['title', title],
    ['type', `\`${type}\``],
    ['members', listed(members)],
    ['header', listed(fields)],
    ['answered by', answeredBy(code, routes)],
  ];
  const facts = ['| | |', '| --- | --- |', ...rows.filter(([, value]) => value !== '').map((row) => `| ${row.join(' | ')} |`)].join('\n');
  const own = before.includes(END) ? before.slice(before.indexOf(END) + END.length) : `\n\n${before}`;
  const kept = own.replace(EXAMPLE, (_, json) => `\`\`\`json\n${example(json, kind)}\n\`\`\``);
  return `# ${code}\n\n${BEGIN}\n\n${facts}\n\n${END}${kept}`;
}

function listed(written) {
  return written.map((name) => (name.endsWith('?') ? `\`${name.slice(0, -1)}\` (not always)` : `\`${name}\``)).join(', ');
}

function answeredBy(code, routes) {
  // A document that names no codes says nothing of routes.
  if (routes.size === 0) return '';
  const own = routes.get(code) ?? [];
  if (own.length === 0) return 'no route by itself: the connection, a proxy’s check or an item of a call with many';
  // How many more there are changes with every route.
  return own.length > SHOWN_ROUTES ? `more than ${SHOWN_ROUTES} operations` : own.join('<br>');
}

/** An example that people wrote, with what every answer of the kind shares: all of it, where an answer can be made of nothing. */
function example(json, { type, title, status, code, sample }) {
  const { detail, instance = INSTANCE, ...rest } = { ...JSON.parse(json), ...sample };
  const own = Object.entries(rest).filter(([name]) => !COMMON.includes(name));
  return JSON.stringify({ type, title, status, detail, code, ...Object.fromEntries(own), instance }, null, 2);
}

function listOf(kinds) {
  const rows = [...kinds].sort((a, b) => a.status - b.status || a.code.localeCompare(b.code));
  return `# Errors

${BEGIN}

Every refusal is \`application/problem+json\` (RFC 9457) with a stable \`code\`, and each code has a page: here, and at \`/errors/<code>\` of a running service. A problem's \`type\` is
the address of its page (\`PROBLEM_TYPE_BASE\`), unless a registry names the kind: then it is the registered one.

| status | code | title |
| --- | --- | --- |
${rows.map(({ code, status, title }) => `| ${status} | [${code}](${code}.md) | ${title} |`).join('\n')}
`;
}

if (isMain(import.meta.url)) {
  const { problems, count } = await writeErrors({ check: process.argv.includes('--check') });
  for (const line of problems) console.log(line);
  console.log(`${count} codes`);
  process.exit(problems.length === 0 ? 0 : 1);
}
