import { Random } from '../../faults/random.mjs';
import { Calls } from '../calls.mjs';
import { Fuzz } from '../fuzz.mjs';

/** Streams and long polls go on for as long as somebody stays. */
const STAYS_MS = 500;

/** Requests generated from the document: by nobody, by a user, and by the key of a worker. */
export const fuzzCaller = (seed) => ({
  'requests generated from the document': async (stage, signal) => {
    const calls = new Calls(stage, 8);
    signal.addEventListener('abort', () => (calls.stopped = true), { once: true });
    const document = JSON.parse((await calls.send({ path: '/openapi.json' })).text);
    const fuzz = new Fuzz(document, new Random(seed));
    const keys = [undefined, stage.hostile[4].key, stage.serviceKey.key];
    // An administrator's key could delete the neighbour: what it is for is refused to these.
    const isHarmful = ({ method, path }) => method !== 'GET' && /^\/v1\/(users\/(?!me)|configuration|tiers|jobs)/.test(path);
    const faults = new Map();
    await calls.flood((n) => {
      let call = fuzz.next();
      const key = keys[n % keys.length];
      while (key === stage.serviceKey.key && isHarmful(call)) call = fuzz.next();
      return { ...call, key, withinMs: STAYS_MS };
    });
    await calls.stop();
    const bad = Object.keys(calls.statuses).filter((status) => Number(status) >= 500 && status !== '503');
    for (const status of bad) faults.set(status, calls.statuses[status]);
    return { story: `answers ${JSON.stringify(calls.statuses)}`, broken: [...faults].map(([status, count]) => `${count} answers ${status}`) };
  },
});
