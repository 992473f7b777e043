// npm run test:hostile [-- --short] [-- <parts of callers' names…>]: a well-behaved neighbour beside hostile callers, and then faults planted
// into the service that must be found out. HOSTILE_SEED=<seed> has a run again; --short is what CI runs, for as long and with bounds that a shared machine can keep.
import { build } from '../../bench/support/built.mjs';

build();
const { makeMutant } = await import('../faults/mutants.mjs');
const { beside, BOUNDS, calm, judged, slower } = await import('./beside.mjs');
const { callers } = await import('./callers.mjs');
const { PLANTED } = await import('./mutants.mjs');
const { Stage } = await import('./stage.mjs');

const SEED = Number(process.env.HOSTILE_SEED ?? Date.now() % 1_000_000_000);
const wanted = process.argv.slice(2).filter((part) => !part.startsWith('--'));
const short = process.argv.includes('--short');
const seconds = Number(process.env.HOSTILE_SECONDS ?? (short ? 2 : 5));
const asked = Object.keys(callers(SEED)).filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const bounds = short ? BOUNDS.shared : BOUNDS.quiet;
const counts = { passed: 0, failed: 0 };

console.log(`HOSTILE_SEED=${SEED}, ${seconds} s a caller`);
const stage = await Stage.set({ crowd: short ? 20_000 : 300_000 });
try {
  await calm(stage, 1);
  let quiet = await calm(stage, seconds);
  for (const name of asked) {
    const { after, ...result } = await judged(stage, quiet, { name, seed: SEED }, seconds, bounds);
    report(name, result);
    quiet = after;
    if (stage.service.ended) await stage.service.launch();
  }
} finally {
  await stage.strike();
}
if (wanted.length === 0) for (const [name, planted] of Object.entries(PLANTED)) report(`found out: ${name}`, await foundOut(planted));
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);

/** The guard must go red where there is something to see. */
async function foundOut({ caller, findings, environment = {}, ...mutant }) {
  const { root, remove } = makeMutant(mutant);
  const planted = await Stage.set({ root, crowd: 1_000, environment });
  try {
    await calm(planted, 1);
    let story = '';
    // What is planted is to be met, not measured: the caller stands behind nobody, and a busy machine gives it more time. Nothing is allowed for calm.
    for (const length of [2, 4, 8, 16]) {
      const result = await beside(planted, { name: caller, seed: SEED, priority: 0 }, length);
      const seen = [...result.broken, ...slower(result, { p99: 0, pauseMs: 0 }, BOUNDS.planted)];
      const found = seen.find((line) => findings.some((finding) => finding.test(line)));
      if (found) return { broken: [], story: `red, as it must be: ${found.slice(0, 200)}` };
      story = result.story;
    }
    return { broken: ['the guard stayed green'], story };
  } finally {
    await planted.strike();
    remove();
  }
}

function report(name, { story, broken }) {
  counts[broken.length === 0 ? 'passed' : 'failed']++;
  console.log(`${broken.length === 0 ? 'ok  ' : 'FAIL'} ${name}\n       ${story}`);
  for (const line of broken) console.log(`     - ${line}`);
}
