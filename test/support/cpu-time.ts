import { readFileSync } from 'node:fs';

const THREAD = `/proc/self/task/${process.pid}/schedstat`;

/**
 * The processor time of this thread so far, in milliseconds: on a machine whose cores are taken the clock would report its
 * neighbours, and that of the process of its compilers and collectors beside. The kernel brings it up to date some 250 times a second.
 */
export function threadMs(): number {
  try {
    return Number(readFileSync(THREAD, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }
}

/** What the yardstick takes on the machine on which the bounds of the tests were measured, in milliseconds. */
const YARDSTICK_MS = 2.8;

/** A piece of work of the kind that the tests measure: parsing, walking and writing a quarter of a megabyte. */
const yardstick = (() => {
  const text = JSON.stringify(Array.from({ length: 4_000 }, (_, n) => ({ id: n, name: `item ${n}`, tags: ['a', 'b', String(n)] })));
  return () => JSON.stringify((JSON.parse(text) as { name: string }[]).map((item) => ({ ...item, name: item.name.toUpperCase() })));
})();

/** How much slower than that machine this one is at this moment; never below 1, so that no bound is met by being fast elsewhere. */
export function slowness(): number {
  return Math.max(1, fewestMs(yardstick) / YARDSTICK_MS);
}

/** The processor time that the work takes, in milliseconds of the machine on which the bounds were measured: see `fewestMs`. */
export function cpuMsOf(work: () => unknown, goodMs = 0): number {
  const measured = fewestMs(work, goodMs);
  return measured <= goodMs ? measured : measured / slowness();
}

/**
 * The processor time that the work takes, in milliseconds, over as many runs as make it measurable; the fewest of several such measurements. What is over
 * by the clock before `goodMs` took no more of the processor: one run is enough then.
 */
function fewestMs(work: () => unknown, goodMs = 0): number {
  const startedAt = performance.now();
  work();
  const clockMs = performance.now() - startedAt;
  if (clockMs <= goodMs) return clockMs;
  let fewest = Infinity;
  for (let i = 0; i < 5 && fewest > goodMs; i++) {
    const before = threadMs();
    const began = performance.now();
    let runs = 0;
    while (runs < 2 || (performance.now() - began < 20 && runs < 50)) {
      work();
      runs++;
    }
    fewest = Math.min(fewest, (threadMs() - before) / runs);
  }
  return fewest;
}
