import { setTimeout as delay } from 'node:timers/promises';
import { auditFindings, brokenInvariants, brokenPromises } from './books.mjs';
import { Cluster } from './cluster.mjs';
import { Endings } from './endings.mjs';
import { brokenHistories } from './histories.mjs';
import { Random } from './random.mjs';
import { makeOffers, Workload } from './workload.mjs';

const OFFERS = Number(process.env.FAULTS_OFFERS ?? 3_000);

/** The corners first, then whatever the seed states. */
const CORNERS = [
  { replicas: 1, clients: 1, hot: true, maxCost: 1, factor: 0.5, offers: 300 },
  { replicas: 3, clients: 500, hot: true, maxCost: 1, factor: 10 },
  { replicas: 5, clients: 200, hot: false, maxCost: 20, factor: 2 },
  { replicas: 2, clients: 64, hot: true, maxCost: 20, factor: 1 },
  { replicas: 3, clients: 100, hot: false, maxCost: 5, factor: 3, endings: true },
  { replicas: 2, clients: 6, hot: true, maxCost: 3, factor: 5, endings: true, offers: 600 },
];

export function planOf(number, seed) {
  const random = new Random(seed);
  const corner = CORNERS[number];
  const drawn = {
    replicas: random.integer(1, 5),
    clients: random.pick([1, 8, 50, 200, 500]),
    hot: random.chance(0.5),
    maxCost: random.pick([1, 1, 5, 20]),
    factor: random.pick([0.5, 0.9, 1, 1.1, 2, 5, 10]),
    endings: random.chance(0.5),
  };
  return { seed, random, offers: OFFERS, ...(corner ?? drawn) };
}

/** @param {any} plan */
export const describe = ({ seed, replicas, clients, hot, maxCost, factor, endings }) =>
  `seed ${seed}: ${replicas} replica(s), ${clients} client(s), ${hot ? 'hot' : 'spread'}, costs 1–${maxCost}, ${factor} × the quota${endings ? ', cancels and refunds' : ''}`;

/**
 * One run under faults.
 * @param {any} plan
 * @param {{ root?: string, prepare?: string }} [options]
 * @returns what was broken, and what happened
 */
export async function runExactness(plan, options = {}) {
  const { random, kinds = ['kill', 'crash', 'terminate', 'freeze'] } = plan;
  const cluster = await Cluster.start({ replicas: plan.replicas, ...options });
  try {
    const { users, offers } = await makeOffers((text, values) => cluster.sql(text, values), random, plan);
    const endings = plan.endings ? await Endings.start(cluster, new Random(plan.seed + 2)) : null;
    const workload = new Workload(cluster.replicas, random, offers, endings);
    // Numbers of their own: how often the workload draws depends on the answers.
    const hurt = new Faults(cluster, new Random(plan.seed + 1), kinds, plan.faults);
    await workload.run(plan.clients, (burst, bursts) => hurt.before(burst, bursts));
    await hurt.mending;
    await endings?.stop();
    await cluster.stopReplicas();
    const histories = endings ? brokenHistories(users, offers, endings.history) : { broken: [], story: '' };
    const broken = [
      ...[...workload.violations, ...(endings?.violations ?? [])].slice(0, 5),
      // With units that come back, charges do not add up by themselves.
      ...(await brokenInvariants(cluster, endings ? ['I5'] : [])),
      ...(await brokenPromises(cluster, { users, offers, endings })),
      ...histories.broken,
      ...auditFindings(cluster),
    ];
    const admitted = offers.filter(({ id }) => id !== null).length;
    const { lost, unavailable, replays } = workload;
    const story = `${offers.length} offers by ${users.length} users, ${admitted} admitted, ${lost} answers lost, ${unavailable} × 503, ${replays} replays; ${hurt.happened.join(', ') || 'no faults'}${histories.story}`;
    return { broken, story };
  } finally {
    await cluster.stop();
  }
}

/** Faults spread over the bursts, each some milliseconds after its burst has begun. The next one waits until the last is mended. */
export class Faults {
  happened = [];
  mending = Promise.resolve();

  constructor(cluster, random, kinds, count = random.integer(3, 6)) {
    this.cluster = cluster;
    this.random = random;
    this.kinds = kinds;
    this.count = count;
  }

  /** To be called before each burst. */
  async before(burst, bursts) {
    const due = Math.floor(((burst + 1) * this.count) / bursts) - Math.floor((burst * this.count) / bursts);
    if (due === 0) return;
    await this.mending;
    this.mending = this.strike(due);
  }

  async strike(count) {
    const { cluster, random } = this;
    for (let i = 0; i < count; i++) {
      const kind = random.pick(this.kinds);
      const replica = random.pick(cluster.replicas);
      await delay(random.integer(0, 30));
      this.happened.push(kind);
      if (kind === 'kill') await cluster.kill(replica);
      if (kind === 'crash') await cluster.crash(random.integer(0, 400));
      if (kind === 'terminate') await cluster.terminate(random.integer(1, 4));
      if (kind === 'freeze') await cluster.freeze(replica, random.integer(300, 1_500));
    }
  }
}
