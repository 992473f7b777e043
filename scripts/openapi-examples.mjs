// `npm run openapi:examples`: takes real answers, as the tests of the last `npm test` saw them (test/support/wire), for the examples of the document, and
// writes them to docs/openapi-examples.json and into the document. An example that is there stays as long as it obeys its schema, so that what is
// committed does not change with every run; `-- --fresh` chooses all of them anew. `npm run openapi` ends with `--prune`, which takes those away that
// do not obey their schema any more. `npm run openapi:examples:check` needs no tests: it refuses such, and an answer that goes well without one.
import { execFileSync } from 'node:child_process';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';

const FILE = 'docs/openapi-examples.json';
const SEEN = 'coverage/wire';
const check = process.argv.includes('--check');
const prune = process.argv.includes('--prune');
const fresh = process.argv.includes('--fresh');

const document = JSON.parse(readFileSync('openapi.json', 'utf8'));
const before = JSON.parse(readFileSync(FILE, 'utf8'));
const ajv = new Ajv.default({ strict: false, validateSchema: false, logger: false });
addFormats.default(ajv);
ajv.addSchema(closed(document), 'document');

const wanted = answersThatWentWell();
const kinds = problemSchemas();
const answers = chosen(wanted, before.answers);
const problems = chosen(kinds, before.problems);
const missing = [...wanted.keys()].filter((name) => !(name in answers));
const stale = [...Object.keys(before.answers), ...Object.keys(before.problems)].filter((name) => !(name in answers) && !(name in problems));
for (const name of stale) console.log(`${name}: its example does not obey its schema, or there is no such answer any more`);
if (!prune) for (const name of missing) console.log(`${name}: ${check ? 'there is no example' : 'no test saw one'}`);
if (check && stale.length + missing.length > 0) {
  console.log('Run the tests that call it, then `npm run openapi:examples`, and commit it.');
  process.exitCode = 1;
}
if (!check) await write();
const problemsSeen = [...kinds.keys()].filter((name) => name in problems).length;
console.log(`${wanted.size - missing.length} of ${wanted.size} answers that go well and ${problemsSeen} of ${kinds.size} problems have an example`);

async function write() {
  const text = await format(JSON.stringify({ answers, problems }), { ...JSON.parse(readFileSync('.prettierrc.json', 'utf8')), parser: 'json' });
  if (text === readFileSync(FILE, 'utf8')) return;
  writeFileSync(FILE, text);
  execFileSync('npm', ['run', '--silent', 'cli', '--', 'openapi', '--out', 'openapi.json'], { stdio: 'inherit' });
}

/** By name: what is there already where that is still true, else the best that was seen. */
function chosen(schemas, present) {
  const candidates = check || prune ? new Map() : seen();
  /** @type {Record<string, unknown>} */
  const examples = {};
  for (const [name, obeys] of [...schemas].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const all = [...(fresh || !(name in present) ? [] : [present[name]]), ...(candidates.get(name) ?? []), ...(name in present ? [present[name]] : [])];
    const example = all.find((value) => obeys(value));
    if (example !== undefined) examples[name] = example;
  }
  return examples;
}

/** What the tests saw, by name, the best first. @returns {Map<string, unknown[]>} */
function seen() {
  const files = existsSync(SEEN) ? readdirSync(SEEN).filter((file) => file.endsWith('.examples')) : [];
  const lines = files.flatMap((file) => readFileSync(join(SEEN, file), 'utf8').split('\n').filter(Boolean));
  const parsed = lines.map((line) => JSON.parse(line)).sort((a, b) => b.score - a.score || (JSON.stringify(a.value) < JSON.stringify(b.value) ? -1 : 1));
  const found = new Map();
  for (const { of, value } of parsed) found.set(of, [...(found.get(of) ?? []), value]);
  return found;
}

/** `<operation> <status>` of each answer with a body that is no refusal, with what its body is held to. */
function answersThatWentWell() {
  const found = new Map();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { operationId, responses }] of Object.entries(item)) {
      for (const [status, { content }] of Object.entries(responses).filter(([one]) => /^2/.test(one))) {
        if (!content) continue;
        const pointers = Object.keys(content).map((type) => ['paths', path, method, 'responses', status, 'content', type, 'schema']);
        found.set(`${operationId} ${status}`, (value) => pointers.some((pointer) => ajv.validate(reference(pointer), value)));
      }
    }
  }
  return found;
}

/** The codes of all problems, with what each is held to. */
function problemSchemas() {
  const found = new Map();
  for (const [name, { properties }] of Object.entries(document.components.schemas)) {
    for (const code of name.endsWith('Problem') ? (properties?.code?.enum ?? []) : []) {
      const others = found.get(code) ?? (() => false);
      found.set(code, (value) => others(value) || ajv.validate(reference(['components', 'schemas', name]), value));
    }
  }
  return found;
}

function reference(pointer) {
  return { $ref: `document#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}` };
}

/** The document in which an object with properties of its own has no others. */
function closed(whole) {
  const copy = structuredClone(whole);
  close(copy.components.schemas);
  return copy;
}

function close(node) {
  if (typeof node !== 'object' || node === null) return;
  if (typeof node.properties === 'object' && Object.keys(node.properties).length > 0) node.additionalProperties ??= false;
  for (const [key, child] of Object.entries(node)) if (!['example', 'examples', 'enum'].includes(key)) close(child);
}
