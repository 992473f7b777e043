// npm run test:faults [-- <parts…>]: mutants, exactness, forms, workers, webhooks, mails, harness, midnights, log, failover, patroni, replica, rolling; and, only when asked for, soak --minutes N. Seeds are printed: FAULTS_SEED=<seed> has a run again.
import { parseArgs } from 'node:util';
import { build } from '../../bench/support/built.mjs';

build();
const { describe, planOf, runExactness } = await import('./exactness.mjs');
const { failOver } = await import('./failover.mjs');
const { proveForms } = await import('./forms.mjs');
const { proveHarness } = await import('./harness.mjs');
const { replayLog } = await import('./log.mjs');
const { proveMails } = await import('./mails.mjs');
const { crossMidnights } = await import('./midnights.mjs');
const { makeMutants } = await import('./mutants.mjs');
const { drillPatroni } = await import('./patroni.mjs');
const { readFromReplica } = await import('./replica.mjs');
const { rollOver } = await import('./rolling.mjs');
const { soak } = await import('./soak.mjs');
const { proveWebhooks } = await import('./webhooks.mjs');
const { proveWorkers } = await import('./workers.mjs');

const SEED = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000_000);
const RUNS = Number(process.env.FAULTS_RUNS ?? 8);
const { values, positionals: asked } = parseArgs({ allowPositionals: true, options: { minutes: { type: 'string', default: '20' } } });
const MINUTES = Number(values.minutes);
if (!(MINUTES > 0)) throw new Error(`--minutes is a number above 0, not ${values.minutes}.`);

async function* exactness() {
  for (let i = 0; i < RUNS; i++) {
    const plan = planOf(i, SEED + i * 10);
    yield runExactness(plan).then((result) => ({ name: describe(plan), ...result }));
  }
}

/** @type {Record<string, () => Iterable<{ name: string, broken: string[] }> | AsyncIterable<{ name: string, broken?: string[], story?: string, skipped?: string }>>} */
const PARTS = {
  mutants: makeMutants,
  exactness,
  forms: () => proveForms(SEED),
  workers: () => proveWorkers(SEED),
  webhooks: () => proveWebhooks(SEED),
  mails: () => proveMails(SEED),
  harness: () => proveHarness(SEED),
  midnights: () => crossMidnights(SEED),
  log: () => replayLog(SEED, process.env.ACCESS_LOG),
  failover: failOver,
  patroni: drillPatroni,
  replica: readFromReplica,
  rolling: rollOver,
  soak: () => soak(SEED, MINUTES),
};
/** What takes as long as one likes is not in a run of all. */
const ALONE = ['soak'];

const unknown = asked.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. There are: ${Object.keys(PARTS).join(', ')}.`);
  process.exit(2);
}
console.log(`FAULTS_SEED=${SEED} FAULTS_RUNS=${RUNS}`);
/** @type {Record<string, number>} */
const count = { passed: 0, failed: 0, skipped: 0 };
for (const part of asked.length === 0 ? Object.keys(PARTS).filter((part) => !ALONE.includes(part)) : asked) {
  try {
    for await (const result of PARTS[part]()) report(part, result);
  } catch (error) {
    report(part, { name: 'could not be carried out', broken: [error.stack], story: '' });
  }
}
console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} SKIPPED` : ''}`);
process.exit(count.failed === 0 ? 0 : 1);

/**
 * @param {string} part
 * @param {{ name: string, broken?: string[], story?: string, skipped?: string }} result
 */
function report(part, { name, broken = [], story = '', skipped }) {
  const outcome = skipped ? 'skipped' : broken.length === 0 ? 'passed' : 'failed';
  count[outcome]++;
  console.log(`${outcome === 'passed' ? 'ok  ' : outcome === 'failed' ? 'FAIL' : 'SKIP'} ${part}: ${name}${story && `\n       ${story}`}`);
  if (skipped) console.log(`\n     !!! NOT PROVED HERE: ${skipped} !!!\n`);
  for (const line of broken) console.log(`     - ${line}`);
}
