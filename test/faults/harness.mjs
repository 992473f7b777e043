import { NO_CLOCK } from './clock.mjs';
import { runExactness } from './exactness.mjs';
import { runForms } from './forms.mjs';
import { linearize } from './linearizable.mjs';
import { crossMidnights } from './midnights.mjs';
import {
  CLOCK_MUTANT,
  DURABILITY_MUTANT,
  FORMS_MUTANTS,
  HISTORY_MUTANTS,
  makeMutant,
  MUTANTS,
  UNKEYED_MUTANTS,
  WEBHOOK_MUTANTS,
  WORK_MUTANTS,
} from './mutants.mjs';
import { Random } from './random.mjs';
import { runUnkeyed } from './unkeyed.mjs';
import { FEW_WEBHOOKS, runWebhooks } from './webhooks.mjs';
import { runWorkers, SHORT } from './workers.mjs';

const plan = (seed, rest = {}) => ({
  seed,
  random: new Random(seed),
  replicas: 2,
  clients: 64,
  hot: false,
  maxCost: 1,
  factor: 2,
  offers: 1_500,
  kinds: ['kill'],
  ...rest,
});

/** The harness must see what it is there to see. @returns one result for each thing that is taken away on purpose */
export async function* proveHarness(seed) {
  yield plantFaults();
  {
    // The sessions of the service ask for durable commits whatever the server states: that has to go first.
    const { root, remove } = makeMutant(DURABILITY_MUTANT);
    yield await prove('synchronous_commit=off and a crash lose what was acknowledged', [/^I4/], 3, (attempt) =>
      runExactness(plan(seed + attempt, { kinds: ['crash'], faults: 6, factor: 0.9, clients: 32 }), { root }),
    );
    remove();
  }
  for (const [name, mutant] of Object.entries(MUTANTS)) {
    if (mutant.optional) continue;
    const { root, remove } = makeMutant(mutant);
    yield await prove(`the service ${name} is found out`, mutant.findings, 2, (attempt) =>
      runExactness(plan(seed + attempt, { faults: 1 }), { root, prepare: mutant.prepare }),
    );
    remove();
  }
  yield { name: 'charges without a key are exact and in order', ...(await runUnkeyed()) };
  for (const [name, mutant] of Object.entries(UNKEYED_MUTANTS)) {
    const { root, remove } = makeMutant(mutant);
    yield await prove(`the service ${name} is found out`, mutant.findings, 3, () => runUnkeyed({ root, prepare: mutant.prepare }));
    remove();
  }
  for (const [name, mutant] of Object.entries(FORMS_MUTANTS)) {
    const { root, remove } = makeMutant(mutant);
    yield await prove(`the service ${name} is found out`, mutant.findings, 2, (attempt) =>
      runForms({ seed: seed + attempt, replicas: 2, clients: 32, factor: 2 }, { root, faults: 1 }),
    );
    remove();
  }
  for (const [name, mutant] of Object.entries(HISTORY_MUTANTS)) {
    const { root, remove } = makeMutant(mutant);
    yield await prove(`a service ${name} is found out`, mutant.findings, 3, (attempt) =>
      runExactness(plan(seed + attempt, { clients: 100, faults: 1, endings: true }), { root }),
    );
    remove();
  }
  for (const [name, mutant] of Object.entries(WORK_MUTANTS)) {
    const { root, remove } = makeMutant(mutant);
    yield await prove(`the service ${name} is found out`, mutant.findings, 3, (attempt) => runWorkers({ ...SHORT, seed: seed + attempt }, { root }));
    remove();
  }
  for (const [name, mutant] of Object.entries(WEBHOOK_MUTANTS)) {
    const { root, remove } = makeMutant(mutant);
    yield await prove(`the service ${name} is found out`, mutant.findings, 3, (attempt) =>
      runWebhooks({ ...FEW_WEBHOOKS, seed: seed + attempt }, { root, drainMs: 45_000 }),
    );
    remove();
  }
  const name = 'the service with a day of its own in the ledger is found out';
  if (NO_CLOCK) return yield { name, skipped: NO_CLOCK };
  const { root, remove } = makeMutant(CLOCK_MUTANT);
  yield await prove(name, [/^days are not|^I2/], 1, async () => {
    const broken = [];
    for await (const result of crossMidnights(seed, { root, only: /backwards/ })) broken.push(...(result.broken ?? []));
    return { broken, story: '' };
  });
  remove();
}

/**
 * Small histories of a quota of 5, as [kind, start, end, units, used], and whether some order explains them.
 * @type {[string, ...[import('./linearizable.mjs').Operation['kind'], number, number, number, number | null][]][]}
 */
const HISTORIES = [
  ['yes', ['charge', 0, 3, 2, 2], ['read', 1, 2, 0, 0]],
  ['no', ['charge', 0, 1, 2, 2], ['read', 2, 3, 0, 0]],
  ['yes', ['charge', 0, 1, 5, 5], ['refund', 2, 4, 5, null], ['refusal', 3, 5, 1, 5], ['charge', 3, 6, 1, null]],
  ['no', ['charge', 0, 1, 5, 5], ['refund', 2, 3, 5, null], ['refusal', 4, 5, 1, 5]],
  ['no', ['charge', 0, 1, 3, 3], ['charge', 0, 1, 3, 6]],
  ['no', ['charge', 0, 2, 3, 3], ['charge', 1, 3, 2, 2]],
  ['yes', ['charge', 0, 4, 1, 1], ['charge', 0, 4, 2, 3], ['charge', 0, 4, 1, null], ['read', 5, 6, 0, 4]],
];

function plantFaults() {
  const broken = HISTORIES.flatMap(([expected, ...rows]) => {
    const history = rows.map(([kind, start, end, units, used]) => ({ kind, start, end, units, used }));
    const { verdict } = linearize(history, 5);
    return verdict === expected ? [] : [`${JSON.stringify(rows)} is found linearizable: ${verdict}`];
  });
  return { name: `${HISTORIES.length} small histories are distinguished`, broken };
}

async function prove(name, findings, attempts, run) {
  let story = '';
  for (let attempt = 0; attempt < attempts; attempt++) {
    const result = await run(attempt);
    story = result.story;
    const found = findings.map((finding) => result.broken.find((line) => finding.test(line)));
    if (!found.includes(undefined))
      return {
        name,
        broken: [],
        story: `red, as it must be: ${found.map((line) => `${line.slice(0, 140)}…`).join('\n       ')}`,
      };
  }
  return { name, broken: [`the harness stayed green in ${attempts} runs`], story };
}
