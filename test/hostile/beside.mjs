import { setTimeout as delay } from 'node:timers/promises';
import { attack } from './attack.mjs';
import { neighbour } from './neighbour.mjs';

/**
 * A neighbour's p99 beside any hostile caller is at most `ratio` times that of calm, and never asked to be below the floor; the event loop pauses for no longer
 * than that either. `quiet` is for a machine of one's own. `shared` is for one whose processors others use too, where two milliseconds become a thousand now and
 * then: it is above that, and below the four to twenty-four seconds that a bound which all share, or a check that is not linear, cost everybody. `planted` is
 * what a fault goes beyond that is met on purpose.
 */
export const BOUNDS = {
  quiet: { ratio: 1.5, floorMs: 20, pauseFloorMs: 60 },
  shared: { ratio: 4, floorMs: 2_500, pauseFloorMs: 500 },
  planted: { ratio: 1, floorMs: 20, pauseFloorMs: 200 },
};
const RESIDENT_MIB = 300;

export const allowedMs = (calm, { ratio, floorMs } = BOUNDS.quiet) => Math.max(floorMs, ratio * calm.p99);

/** The neighbour alone: what the rest is held against. */
export async function calm(stage, seconds) {
  await stage.longestPauseMs();
  const alone = await neighbour(stage, seconds);
  return { ...alone, pauseMs: await stage.longestPauseMs() };
}

/**
 * The neighbour beside a hostile caller: what was seen, and what no busy machine explains.
 * @returns {Promise<{ found: any, pauseMs: number, story: string, broken: string[] }>}
 */
export async function beside(stage, caller, seconds) {
  const errorsBefore = stage.errors().length;
  await stage.longestPauseMs();
  const attacking = await attack(stage, caller);
  // The attack is under way before the neighbour comes.
  await delay(300);
  const found = await neighbour(stage, seconds);
  const pauseMs = await stage.longestPauseMs();
  const { story, broken } = await attacking.stop();
  const errors = stage.errors().slice(errorsBefore);
  const { now } = stage.service.ended ? { now: 0 } : stage.service.memory();
  return {
    found,
    pauseMs,
    story: `neighbour p50 ${found.p50.toFixed(1)} ms, p99 ${found.p99.toFixed(1)} ms, longest pause ${pauseMs.toFixed(0)} ms, ${now.toFixed(0)} MiB\n       ${story}`,
    broken: [
      ...broken,
      ...(stage.service.ended ? [`the process ended: ${stage.service.output.slice(-500)}`] : []),
      ...Object.entries(found.refusals).map(([refusal, count]) => `the neighbour was refused ${count} times: ${refusal}`),
      ...errors.slice(0, 3).map((line) => `an error was logged: ${line.slice(0, 400)}`),
      ...(now > RESIDENT_MIB ? [`${now.toFixed(0)} MiB are resident: more than ${RESIDENT_MIB}`] : []),
    ],
  };
}

/** What took longer than the calm that it is held against allows. */
export function slower({ found, pauseMs }, calm, bounds) {
  const allowed = allowedMs(calm, bounds);
  const allowedPause = Math.max(bounds.pauseFloorMs, bounds.ratio * calm.pauseMs);
  return [
    ...(found.p99 > allowed ? [`the neighbour's p99 is ${found.p99.toFixed(1)} ms: more than ${allowed.toFixed(1)}`] : []),
    ...(pauseMs > allowedPause ? [`the event loop paused for ${pauseMs.toFixed(0)} ms: more than ${allowedPause.toFixed(0)}`] : []),
  ];
}

/** Stretches that a caller is given, between calm ones, to be found not slower in one of them. */
const STRETCHES = 4;

/**
 * Calm and hostile stretches alternately: each hostile one is held against the calm one before it or after it, whichever was slower, for what else the machine does
 * comes and goes within seconds. What is slow because of the caller is so in every one of them; what is wrong otherwise is so at once.
 * @returns {Promise<{ story: string, broken: string[], after: any }>} `after`: the last calm, which is the next caller's first
 */
export async function judged(stage, quiet, caller, seconds, bounds) {
  let before = quiet;
  for (let stretch = 1; ; stretch++) {
    const seen = await beside(stage, caller, seconds);
    if (stage.service.ended) return { ...seen, after: before };
    const after = await calm(stage, seconds);
    const around = { p99: Math.max(before.p99, after.p99), pauseMs: Math.max(before.pauseMs, after.pauseMs) };
    const broken = [...seen.broken, ...slower(seen, around, bounds)];
    const story = `${seen.story}\n       calm before and after: p99 ${before.p99.toFixed(1)} and ${after.p99.toFixed(1)} ms, longest pause ${around.pauseMs.toFixed(0)} ms; stretch ${stretch}`;
    if (broken.length === 0 || seen.broken.length > 0 || stretch === STRETCHES) return { story, broken, after };
    before = after;
  }
}
