import { setTimeout as delay } from 'node:timers/promises';
import { auditFindings, brokenInvariants, brokenPromises } from './books.mjs';
import { Clock, NO_CLOCK } from './clock.mjs';
import { Cluster } from './cluster.mjs';
import { Endings } from './endings.mjs';
import { Faults } from './exactness.mjs';
import { brokenHistories } from './histories.mjs';
import { localDay, Scene } from './midnights.mjs';
import { Random } from './random.mjs';
import { makeOffers, Offer, Workload } from './workload.mjs';

const REPLICAS = 2;
const KINDS = ['kill', 'kill', 'terminate', 'freeze', 'crash'];
const ZONES = ['Etc/UTC', 'Asia/Tokyo', 'Asia/Kathmandu', 'America/New_York', 'America/Havana', 'Pacific/Auckland'];
const QUOTA = 7;
/** Before and after a midnight. */
const SIDE_MS = 1_600;
const QUARTER_MS = 15 * 60_000;
/** The books of all rounds are read after so many; those of each round are read after it. */
const AUDIT_EVERY = 10;
/** A clock has a month in front of it that has days of 23 and 25 hours. */
const BEGINS = ['2026-03-06T12:00:00Z', '2026-10-30T12:00:00Z', '2026-12-29T12:00:00Z'];

/**
 * One service on one database for as long as is asked for: rounds of charges, cancels and refunds under faults, and midnights under faults,
 * drawn from the seed. After each round its answers are held to the database; at the end all books are read.
 * @param {number} seed
 * @param {number} minutes
 */
export async function* soak(seed, minutes) {
  const random = new Random(seed);
  const clock = NO_CLOCK ? null : new Clock();
  clock?.set(random.pick(BEGINS));
  const cluster = await Cluster.start({ replicas: REPLICAS, ...(clock && { environment: clock.environment, binDir: clock.binDir }) });
  const run = new Soak(cluster, clock, seed);
  try {
    const until = performance.now() + minutes * 60_000;
    for (let round = 1; performance.now() < until; round++) {
      const own = new Random(seed + round * 1_000);
      const name = `round-${round}`;
      const [kind, play] = clock && own.chance(0.4) ? ['midnight', () => run.midnight(own, name)] : ['charges', () => run.charges(own, name)];
      const { broken, story } = await play();
      broken.push(...(await brokenInvariants(cluster, ['I5'])), ...(round % AUDIT_EVERY === 0 ? auditFindings(cluster) : []));
      yield { name: `${name}, ${kind}`, broken, story };
    }
    await cluster.stopReplicas();
    yield { name: `the books after ${minutes} minutes`, broken: [...(await brokenInvariants(cluster, ['I5'])), ...auditFindings(cluster)], story: run.story() };
    if (NO_CLOCK) yield { name: 'midnights', skipped: NO_CLOCK };
  } finally {
    await cluster.stop();
  }
}

class Soak {
  counts = { offers: 0, admitted: 0, lost: 0, unavailable: 0, midnights: 0 };
  /** @type {Record<string, number>} */
  faults = {};

  constructor(cluster, clock, seed) {
    this.cluster = cluster;
    this.clock = clock;
    this.seed = seed;
  }

  /** Offers of more than the quotas hold, half of the time with cancels, failures and settlements for less. */
  async charges(random, name) {
    const { cluster } = this;
    const plan = {
      hot: random.chance(0.5),
      maxCost: random.pick([1, 5, 20]),
      factor: random.pick([0.5, 1, 2, 5]),
      offers: random.integer(300, 1_500),
      clients: random.pick([1, 6, 24, 60]),
      endings: random.chance(0.5),
    };
    // One client alone takes its time.
    if (plan.clients === 1) plan.offers = 200;
    const sql = (text, values) => cluster.sql(text, values);
    const { users, offers } = await makeOffers(sql, random, { ...plan, now: this.clock?.now, name });
    const endings = plan.endings ? await Endings.start(cluster, new Random(random.integer(1, 1e9)), name) : null;
    const workload = new Workload(cluster.replicas, random, offers, endings);
    const hurt = new Faults(cluster, new Random(random.integer(1, 1e9)), KINDS);
    await workload.run(plan.clients, (burst, bursts) => hurt.before(burst, bursts));
    await hurt.mending;
    await endings?.stop();
    const histories = endings ? brokenHistories(users, offers, endings.history) : { broken: [], story: '' };
    const broken = [...[...workload.violations, ...(endings?.violations ?? [])].slice(0, 5), ...(await brokenPromises(cluster, { users, offers, endings }))];
    this.count(workload, offers, hurt);
    const story = `${offers.length} offers by ${users.length} users from ${plan.clients} clients; ${hurt.happened.join(', ')}${histories.story}`;
    return { broken: [...broken, ...histories.broken], story };
  }

  /** Offers on both sides of a midnight while faults strike: no day holds more than the quota, and the new one, when all has calmed down, holds it to the unit. */
  async midnight(random, name) {
    const { cluster, clock } = this;
    const zone = random.pick(ZONES);
    const instant = nextMidnight(clock.now, zone);
    clock.set(new Date(instant - 3_600_000).toISOString());
    const scene = new Scene(cluster, clock, random);
    const users = await scene.users([zone, random.pick(ZONES)]);
    clock.set(new Date(instant - SIDE_MS).toISOString());
    const workload = new Workload(cluster.replicas, random, []);
    const hurt = new Faults(cluster, new Random(random.integer(1, 1e9)), KINDS);
    const offers = [];
    let calm = false;
    const client = async () => {
      for (const until = performance.now() + 2 * SIDE_MS; performance.now() < until || !calm; await delay(8)) {
        const user = random.pick(users);
        const offer = new Offer(`${name}-${offers.length}`, user, 1, user.key, false, {}, name);
        offers.push(offer);
        await workload.settle(offer);
      }
    };
    const struck = delay(random.integer(0, SIDE_MS)).then(() => hurt.strike(random.integer(1, 3)));
    await Promise.all([struck.then(() => (calm = true)), ...Array.from({ length: 6 }, client)]);
    for (const user of users)
      for (let i = 0; i <= QUOTA; i++) {
        const offer = new Offer(`${name}-${offers.length}`, user, 1, user.key, false, {}, name);
        offers.push(offer);
        await workload.settle(offer);
        if (offer.refused) break;
      }
    await workload.agent.close();
    const broken = [...workload.violations.slice(0, 5), ...(await scene.misdated(users)), ...(await this.days(users, offers, clock.now))];
    this.count(workload, offers, hurt);
    this.counts.midnights++;
    return { broken, story: `${new Date(instant).toISOString()} in ${zone}; ${offers.length} offers by ${users.length} users; ${hurt.happened.join(', ')}` };
  }

  /** Every acknowledged request is there, every request was acknowledged, and each user's day holds what it may and the running one all of it. */
  async days(users, offers, now) {
    const rows = await this.cluster.sql('SELECT id, user_id, charged_on, cost FROM requests WHERE user_id = ANY ($1)', [users.map(({ id }) => id)]);
    const stored = new Set(rows.map(({ id }) => id));
    const admitted = new Set(offers.flatMap(({ id }) => id ?? []));
    const broken = [
      ...[...admitted].filter((id) => !stored.has(id)).map((id) => `I4 an acknowledged request is lost: ${id}`),
      ...rows.filter(({ id }) => !admitted.has(id)).map(({ id }) => `I5 a request was charged that nobody was answered for: ${id}`),
    ];
    /** @type {Map<string, number>} */
    const days = new Map();
    for (const { user_id, charged_on } of rows) days.set(`${user_id} ${charged_on}`, (days.get(`${user_id} ${charged_on}`) ?? 0) + 1);
    for (const [day, count] of days) if (count > QUOTA) broken.push(`I3 a day holds more than its quota: ${day}, ${count}`);
    for (const { id, zone } of users) {
      const today = days.get(`${id} ${localDay(now, zone)}`) ?? 0;
      if (today !== QUOTA) broken.push(`refused though it fits: user ${id} has ${today} of ${QUOTA}`);
    }
    return broken.slice(0, 5);
  }

  count(workload, offers, hurt) {
    this.counts.offers += offers.length;
    this.counts.admitted += offers.filter(({ id }) => id !== null).length;
    this.counts.lost += workload.lost;
    this.counts.unavailable += workload.unavailable;
    for (const kind of hurt.happened) this.faults[kind] = (this.faults[kind] ?? 0) + 1;
  }

  story() {
    const { offers, admitted, lost, unavailable, midnights } = this.counts;
    const faults = Object.entries(this.faults).map(([kind, count]) => `${count} × ${kind}`);
    return `${offers} offers, ${admitted} admitted, ${lost} answers lost, ${unavailable} × 503 or 409, ${midnights} midnights; ${faults.join(', ')}`;
  }
}

/** Every midnight is on a quarter of an hour, whatever the zone. */
function nextMidnight(now, zone) {
  let at = Math.ceil((now.getTime() + QUARTER_MS) / QUARTER_MS) * QUARTER_MS;
  while (localDay(new Date(at), zone) === localDay(new Date(at - 1), zone)) at += QUARTER_MS;
  return at;
}
