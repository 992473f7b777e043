// `npm run decisions`: gives each new file of docs/decisions/ the next number, by date, brings what refers to it up to date, and writes the
// index, DECISIONS.md. `-- --check` refuses what is not so, and a decision that lacks a part.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'docs/decisions';
const INDEX = 'DECISIONS.md';
const PARTS = ['Context', 'Decision', 'Cost', 'Held by'];
const MAX_LINES = 45;
const NUMBERED = /^(\d{3})-([a-z0-9]+(?:-[a-z0-9]+)*)\.md$/;
const check = process.argv.includes('--check');

const problems = [];
if (!check) number();
const decisions = readdirSync(FOLDER).sort().map(read);
problems.push(...decisions.flatMap(({ problems }) => problems));
const numbers = decisions.map(({ number }) => number).filter((n) => n !== undefined);
for (const n of new Set(numbers)) if (numbers.indexOf(n) !== numbers.lastIndexOf(n)) problems.push(`${FOLDER}/${n}-*.md: two decisions with one number`);
const index = indexOf();
if (!check) writeFileSync(INDEX, index);
else if (readFileSync(INDEX, 'utf8') !== index) problems.push(`${INDEX} is not the index of ${FOLDER}/: npm run decisions, and commit it.`);
for (const line of problems) console.log(line);
console.log(`${decisions.length} decisions`);
process.exit(problems.length === 0 ? 0 : 1);

/** New files come after those that have a number, the oldest first. */
function number() {
  const names = readdirSync(FOLDER);
  let next = 1 + Math.max(0, ...names.map((name) => Number(NUMBERED.exec(name)?.[1] ?? 0)));
  const added = names.filter((name) => !NUMBERED.test(name)).map(read);
  added.sort((a, b) => a.date.localeCompare(b.date) || a.name.localeCompare(b.name));
  for (const { name } of added) renameSync(join(FOLDER, name), join(FOLDER, `${String(next++).padStart(3, '0')}-${name}`));
  refer();
}

/** Whatever names a decision without its number, or with one that it had in another branch, names it rightly. */
function refer() {
  const now = new Map(readdirSync(FOLDER).map((name) => [NUMBERED.exec(name)?.[2], name]));
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md', '*.ts', '*.mjs', '*.yml', '*.example', ':!migrations'], {
    encoding: 'utf8',
  }).split('\n');
  for (const file of files.filter((path) => path !== '' && path !== INDEX && existsSync(path))) {
    const text = readFileSync(file, 'utf8');
    const reference = file.startsWith(FOLDER) ? /(\]\(|docs\/decisions\/)(?:\d{3}-)?([a-z0-9-]+)\.md/g : /(decisions\/)(?:\d{3}-)?([a-z0-9-]+)\.md/g;
    const mended = text.replace(reference, (whole, before, slug) => (now.has(slug) ? `${before}${now.get(slug)}` : whole));
    if (mended !== text) writeFileSync(file, mended);
  }
}

function read(name) {
  const text = readFileSync(join(FOLDER, name), 'utf8');
  const [first = '', , dated = ''] = text.split('\n');
  const [, date = '', subject = 'More'] = /^(\d{4}-\d{2}-\d{2})(?: · (.+))?$/.exec(dated) ?? [];
  const wrong = [
    ...(NUMBERED.test(name) ? [] : ['has no number yet: npm run decisions']),
    ...(first.startsWith('# ') ? [] : ['does not begin with a title']),
    ...(date === '' ? ['has no date in its third line'] : []),
    ...PARTS.filter((part) => !text.includes(`**${part}`)).map((part) => `has no "${part}"`),
    ...(text.split('\n').length > MAX_LINES ? [`has more than ${MAX_LINES} lines`] : []),
  ];
  return { name, number: NUMBERED.exec(name)?.[1], title: first.slice(2), date, subject, problems: wrong.map((what) => `${FOLDER}/${name} ${what}`) };
}

function indexOf() {
  const subjects = [...new Set(decisions.map(({ subject }) => subject))].filter((subject) => subject !== 'More');
  if (decisions.some(({ subject }) => subject === 'More')) subjects.push('More');
  const list = (subject) =>
    decisions
      .filter((decision) => decision.subject === subject)
      .map(({ name, number, title, date }) => `- [${number ?? '–'} ${title}](${FOLDER}/${name}) (${date})`)
      .join('\n');
  return `# Decisions

Why things are as they are: for each decision what it answers, what was decided, what it costs, and the test that holds it. \`npm run decisions\` writes this list. A new
decision is a file \`${FOLDER}/<title>.md\` whose third line is \`<date> · <subject>\`; the same command gives it its number.

${subjects.map((subject) => `## ${subject}\n\n${list(subject)}`).join('\n\n')}
`;
}
