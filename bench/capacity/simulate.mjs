import { BATCH, WAIT_US } from './costs.mjs';
import { EventQueue } from './event-queue.mjs';

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Cores that take work in order of arrival. Answers when the work will be done. */
function cores(count) {
  const free = new Float64Array(count);
  let busy = 0;
  return {
    work(now, us) {
      const core = free.indexOf(Math.min(...free));
      free[core] = Math.max(now, free[core]) + us;
      busy += us;
      return free[core];
    },
    usage: (us) => busy / (us * count),
  };
}

/**
 * Submits arrive at random and are spread over lanes; a lane has one batch under way, and what comes in meanwhile goes together in its next.
 * A batch costs the coordinator first, then its worker.
 * @returns {{ p50: number, p99: number, batch: number, coordinator: number, worker: number, done: number }} latencies in ms, usage of cores as shares, submits/s
 */
export function simulate({ seed, seconds, rate, workers, lanes, coordinatorCores, workerCores, costs, waitUs = WAIT_US }) {
  const random = seeded(seed);
  const end = seconds * 1e6;
  const coordinator = cores(coordinatorCores);
  const machines = Array.from({ length: workers }, () => cores(workerCores));
  /** @type {number[][]} When what waits in each lane came in. */
  const waiting = Array.from({ length: workers * lanes }, () => []);
  /** @type {number[][]} */
  const underWay = waiting.map(() => []);
  const events = new EventQueue();
  /** @type {number[]} */
  const latencies = [];
  let batches = 0;
  const begin = (lane, now) => {
    underWay[lane] = waiting[lane].splice(0, BATCH);
    batches++;
    const { batch, item } = costs.coordinator;
    events.push(coordinator.work(now, batch + item * underWay[lane].length), lane, 'there');
  };
  let arrival = 0;
  while (arrival < end) {
    arrival += (-Math.log(1 - random()) * 1e6) / rate;
    for (let event = events.popBefore(arrival); event !== null; event = events.popBefore(arrival)) {
      const { at, lane, kind } = event;
      if (kind === 'there') {
        const { batch, item } = costs.worker;
        events.push(machines[lane % workers].work(at, batch + item * underWay[lane].length) + waitUs, lane, 'done');
        continue;
      }
      for (const since of underWay[lane]) latencies.push((at - since) / 1e3);
      underWay[lane] = [];
      if (waiting[lane].length > 0) begin(lane, at);
    }
    const lane = Math.floor(random() * waiting.length);
    waiting[lane].push(arrival);
    if (underWay[lane].length === 0) begin(lane, arrival);
  }
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => sorted[Math.floor(sorted.length * share)] ?? 0;
  const worker = machines.reduce((sum, one) => sum + one.usage(end), 0) / workers;
  return { p50: at(0.5), p99: at(0.99), batch: latencies.length / batches, coordinator: coordinator.usage(end), worker, done: latencies.length / seconds };
}
