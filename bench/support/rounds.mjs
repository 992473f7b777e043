/** Below 3, the first round does not fill the service's caches, and what follows measures that. */
export const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

/** Rows in the large tables are these times the goal's numbers. */
export const SCALE = Number(process.env.BENCH_SCALE ?? 1);

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Measures several subjects by turns, in short rounds, and gives each one's medians: a machine's pace drifts by a third
 * within minutes, so only what was measured side by side can be divided. The first round warms up and does not count.
 * @template {Record<string, () => Promise<Record<string, unknown>>>} T
 * @param {T} subjects
 * @returns {Promise<Record<keyof T, any>>}
 */
export async function byTurns(subjects, rounds = ROUNDS) {
  /** @type {Record<string, Record<string, unknown>[]>} */
  const seen = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    // Every second round goes the other way, so none always inherits the others' dirty buffers.
    const order = round % 2 === 0 ? Object.keys(subjects) : Object.keys(subjects).reverse();
    for (const name of order) {
      const result = await subjects[name]();
      if (round > 0) seen[name].push(result);
    }
  }
  return /** @type {Record<keyof T, any>} */ (Object.fromEntries(Object.entries(seen).map(([name, results]) => [name, medians(results)])));
}

function medians(results) {
  const fields = Object.keys(results[0]).filter((field) => typeof results[0][field] === 'number');
  return Object.fromEntries(fields.map((field) => [field, median(results.map((result) => result[field]))]));
}
