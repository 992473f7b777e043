// `npm run wire:coverage`: which of the documented answers the tests of the last `npm test` saw on the wire. Every operation must have been called, and
// of all documented statuses at least nine in ten must have been answered.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'coverage/wire';
const MIN_STATUSES = 0.9;

const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((file) => file.endsWith('.txt')) : [];
const seen = new Set(files.flatMap((file) => readFileSync(join(FOLDER, file), 'utf8').split('\n')));
const { paths } = JSON.parse(readFileSync('openapi.json', 'utf8'));
/** @type {{ id: string, statuses: string[], missing: string[] }[]} */
const operations = Object.values(paths)
  .flatMap((item) => Object.values(item))
  .map(({ operationId: id, responses }) => {
    const statuses = Object.keys(responses).filter((status) => status !== 'default');
    return { id, statuses, missing: statuses.filter((status) => !seen.has(`${id} ${status}`)) };
  });

const all = operations.reduce((sum, { statuses }) => sum + statuses.length, 0);
const lacking = operations.reduce((sum, { missing }) => sum + missing.length, 0);
const called = operations.filter(({ statuses, missing }) => missing.length < statuses.length).length;
for (const { id, missing } of operations.filter((one) => one.missing.length > 0)) console.log(`${id}: never ${missing.join(', ')}`);
console.log(`${called} of ${operations.length} operations, ${all - lacking} of ${all} documented statuses (${((100 * (all - lacking)) / all).toFixed(1)} %)`);
process.exit(called === operations.length && (all - lacking) / all >= MIN_STATUSES ? 0 : 1);
