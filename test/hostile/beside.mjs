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

/** The neighbour beside a hostile caller. @returns {Promise<{ found: any, story: string, broken: string[] }>} */
export async function beside(stage, calm, caller, seconds, bounds = BOUNDS.quiet) {
  const errorsBefore = stage.errors().length;
  await stage.longestPauseMs();
  const attacking = await attack(stage, caller);
  // The attack is under way before the neighbour comes.
  await delay(300);
  const found = await neighbour(stage, seconds);
  const pauseMs = await stage.longestPauseMs();
  const { story, broken } = await attacking.stop();
  const allowed = allowedMs(calm, bounds);
  const allowedPause = Math.max(bounds.pauseFloorMs, bounds.ratio * calm.pauseMs);
  const errors = stage.errors().slice(errorsBefore);
  const { now } = stage.service.ended ? { now: 0 } : stage.service.memory();
  return {
    found,
    story: `neighbour p50 ${found.p50.toFixed(1)} ms, p99 ${found.p99.toFixed(1)} ms (calm ${calm.p99.toFixed(1)}), longest pause ${pauseMs.toFixed(0)} ms (calm ${calm.pauseMs.toFixed(0)}), ${now.toFixed(0)} MiB\n       ${story}`,
    broken: [
      ...broken,
      ...(stage.service.ended ? [`the process ended: ${stage.service.output.slice(-500)}`] : []),
      ...(found.p99 > allowed ? [`the neighbour's p99 is ${found.p99.toFixed(1)} ms: more than ${allowed.toFixed(1)}`] : []),
      ...Object.entries(found.refusals).map(([refusal, count]) => `the neighbour was refused ${count} times: ${refusal}`),
      ...(pauseMs > allowedPause ? [`the event loop paused for ${pauseMs.toFixed(0)} ms: more than ${allowedPause.toFixed(0)}`] : []),
      ...errors.slice(0, 3).map((line) => `an error was logged: ${line.slice(0, 400)}`),
      ...(now > RESIDENT_MIB ? [`${now.toFixed(0)} MiB are resident: more than ${RESIDENT_MIB}`] : []),
    ],
  };
}
