import { existsSync, readFileSync } from 'node:fs';
import { makeAccounts, SERVICE_SCOPES } from '../../bench/support/accounts.mjs';
import { auditFindings, brokenInvariants } from './books.mjs';
import { Clock, NO_CLOCK } from './clock.mjs';
import { Cluster } from './cluster.mjs';
import { Random } from './random.mjs';
import { Offer, Workload } from './workload.mjs';

const QUOTA = 5;
const CLIENTS = 12;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const LINE = /^(\S+) \S+ \S+ \[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\]/;

/**
 * An access log of several days replayed on its own days, by the database's clock: every hit is offered by its client's
 * address on its UTC day, on two replicas. What must be admitted is counted here, from the file alone.
 */
export async function* replayLog(seed, path) {
  const name = 'an access log on its own days';
  if (NO_CLOCK) return yield { name, skipped: NO_CLOCK };
  if (!path || !existsSync(path)) return yield { name, skipped: 'set ACCESS_LOG to an Apache or nginx access log (combined format)' };
  const days = daysOf(readFileSync(path, 'utf8'));
  const addresses = [...new Set([...days.values()].flat().map(({ address }) => address))];
  const clock = new Clock();
  clock.set(`${[...days.keys()][0]}T00:30:00Z`);
  const cluster = await Cluster.start({ replicas: 2, environment: clock.environment, binDir: clock.binDir });
  try {
    const accounts = await makeAccounts((text, values) => cluster.sql(text, values), addresses.length, {
      dailyQuota: QUOTA,
      scopes: SERVICE_SCOPES,
    });
    const users = new Map(addresses.map((address, i) => [address, accounts[i]]));
    const broken = [];
    const [admitted, expected] = [{}, {}];
    for (const [day, hits] of days) {
      clock.set(`${day}T12:00:00Z`);
      const offers = hits.map(
        ({ address, line }) =>
          new Offer(`line-${line}`, users.get(address), 1, users.get(address)?.key ?? '', false, {
            twice: line % 20 === 0,
            later: true,
          }),
      );
      const workload = new Workload(cluster.replicas, new Random(seed), offers);
      await workload.run(CLIENTS);
      broken.push(...workload.violations.slice(0, 3));
      admitted[day] = offers.filter(({ id }) => id !== null).length;
      expected[day] = [...count(hits)].reduce((sum, n) => sum + Math.min(n, QUOTA), 0);
    }
    const [{ rows }] = await cluster.sql('SELECT count(*)::integer AS rows FROM requests');
    const total = Object.values(expected).reduce((sum, n) => sum + n, 0);
    if (JSON.stringify(admitted) !== JSON.stringify(expected) || rows !== total) {
      broken.push(`admitted ${JSON.stringify(admitted)} (${rows} rows), where the log states ${JSON.stringify(expected)} (${total})`);
    }
    await cluster.stopReplicas();
    broken.push(...(await brokenInvariants(cluster)), ...auditFindings(cluster));
    yield {
      name,
      broken,
      story: `${days.size} days, ${addresses.length} clients at quota ${QUOTA}: ${rows} admitted, ${JSON.stringify(admitted)}`,
    };
  } finally {
    await cluster.stop();
  }
}

/** Hits by UTC day, in order. */
function daysOf(text) {
  const days = new Map();
  for (const [line, content] of text.split('\n').entries()) {
    const match = LINE.exec(content);
    if (!match) continue;
    const [, address, date, month, year, time, hours, minutes] = match;
    const local = `${year}-${String(MONTHS.indexOf(month) + 1).padStart(2, '0')}-${date}T${time}${hours}:${minutes}`;
    const day = new Date(local).toISOString().slice(0, 10);
    days.set(day, [...(days.get(day) ?? []), { address, line }]);
  }
  return new Map([...days].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function count(hits) {
  const hitsOf = new Map();
  for (const { address } of hits) hitsOf.set(address, (hitsOf.get(address) ?? 0) + 1);
  return hitsOf.values();
}
