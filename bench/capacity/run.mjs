// node bench/capacity/run.mjs: what rates take, by the measured costs, and what a seeded simulation makes of the same cores.
import { BATCH, COSTS } from './costs.mjs';
import { coordinatorLimit, coresFor, monthly } from './model.mjs';
import { simulate } from './simulate.mjs';

const CORES = 16;
/** Submits a second that one lane carries: half-full batches, each in some 5 ms. */
const OF_LANE = 12_500;
const SECONDS = 0.5;

for (const [tier, rate] of /** @type {const} */ ([
  ['plain', 5_000],
  ['plain', 100_000],
  ['cluster', 100_000],
  ['cluster', 1_000_000],
])) {
  const costs = COSTS[tier];
  // Half-full batches are what cores at the planned usage settle at; the simulation shows what they come to.
  const need = coresFor(rate, BATCH / 2, costs);
  const workers = tier === 'plain' ? 1 : Math.ceil(need.worker / CORES);
  const workerCores = tier === 'plain' ? Math.max(2, Math.ceil(need.worker)) : CORES;
  const lanes = Math.max(2, Math.ceil(rate / OF_LANE / workers));
  const seen = simulate({ seed: 18, seconds: SECONDS, rate, workers, lanes, coordinatorCores: Math.max(1, Math.ceil(need.coordinator)), workerCores, costs });
  const shown = Object.entries(seen).map(([name, value]) => `${name} ${value.toFixed(value < 10 ? 2 : 0)}`);
  const asked = Object.entries(need).map(([name, value]) => `${name} ${value.toFixed(1)}`);
  console.log(`${tier} ${rate}/s: cores ${asked.join(', ')}; ${workers} workers; US$ ${monthly(need)} a month; simulated: ${shown.join(', ')}`);
}
console.log(`A coordinator of ${CORES} cores passes on ${Math.round(coordinatorLimit(CORES, BATCH / 2)).toLocaleString('en')} a second.`);
