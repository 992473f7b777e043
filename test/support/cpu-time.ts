import { readFileSync } from 'node:fs';

const THREAD = `/proc/self/task/${process.pid}/schedstat`;

/**
 * The processor time of this thread so far, in milliseconds: on a machine whose cores are taken the clock would tell of its
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

/** The processor time that the work takes, in milliseconds, over as many runs as make it measurable; the fewest of several such measurements. */
export function cpuMsOf(work: () => unknown, goodMs = 0): number {
  let fewest = Infinity;
  for (let i = 0; i < 5 && fewest > goodMs; i++) {
    const before = threadMs();
    const began = performance.now();
    let runs = 0;
    while (runs < 3 || (performance.now() - began < 25 && runs < 50)) {
      work();
      runs++;
    }
    fewest = Math.min(fewest, (threadMs() - before) / runs);
  }
  return fewest;
}
