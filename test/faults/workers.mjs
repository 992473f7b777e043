import { setTimeout as delay } from 'node:timers/promises';
import { makeAccounts, SERVICE_SCOPES } from '../../bench/support/accounts.mjs';
import { auditFindings, brokenInvariants } from './books.mjs';
import { Cluster } from './cluster.mjs';
import { buildKit, Fleet } from './fleet.mjs';
import { Orders } from './orders.mjs';
import { Random } from './random.mjs';
import { brokenWork } from './work-books.mjs';
import { zoneAtNoon } from './workload.mjs';

const TYPE = 'job';
const LEASE_SECONDS = 3;
const CLIENTS = 8;
const DRAIN_MS = 120_000;
const SETTINGS = `INSERT INTO system_configurations (key, value) VALUES ('requests.retryBaseSeconds', '0.5'), ('requests.retryMaxSeconds', '2'),
  ('requests.types', '{"${TYPE}": {"maxAttempts": 6}}')`;

/** Half of all requests are one user's, who was there first; the others come while the workers work, at a pace that they can keep. */
const FULL = { replicas: 3, workers: 20, users: 60, flood: 5_000, others: 5_000, otherMs: 45_000, replicaKills: 4, longShare: 0.12 };
/** Enough to find out a service that lacks a guard. */
export const SHORT = { replicas: 2, workers: 8, users: 20, flood: 350, others: 350, otherMs: 6_000, replicaKills: 0, longShare: 0.5 };

export async function* proveWorkers(seed) {
  const { workers, replicas, flood, others } = FULL;
  const name = `seed ${seed}: ${workers} worker processes on ${replicas} replicas, ${flood + others} requests, workers killed and paused, replicas killed`;
  yield { name, ...(await runWorkers({ ...FULL, seed })) };
}

/**
 * One run.
 * @param {any} plan
 * @param {{ root?: string, prepare?: string }} [options]
 * @returns what was broken, and what happened
 */
export async function runWorkers(plan, { root, prepare = '' } = {}) {
  buildKit();
  const random = new Random(plan.seed);
  const cluster = await Cluster.start({ replicas: plan.replicas, root, prepare: `${SETTINGS}; ${prepare}` });
  const urls = cluster.replicas.map(({ url }) => url);
  const sql = (text, values) => cluster.sql(text, values);
  const [worker] = await makeAccounts(sql, 1, { scopes: ['worker'] });
  const [flooder, ...users] = await makeAccounts(sql, plan.users + 1, { scopes: SERVICE_SCOPES, timeZone: zoneAtNoon() });
  const fleet = new Fleet({ urls, key: worker.key, types: [TYPE], concurrency: 6, leaseSeconds: LEASE_SECONDS });
  try {
    const orders = new Orders(cluster.replicas, random, TYPE, plan.longShare);
    for (let i = 0; i < plan.flood / 100; i++) await orders.submit(flooder, 100, `flood-${i}`);
    fleet.launch(plan.workers);
    const hurt = new Hurt(cluster, fleet, new Random(plan.seed + 1), plan);
    await Promise.all([orderOthers(orders, users, random, plan), hurt.replicas(), hurt.workersUntil(() => isNearlyDone(cluster, plan))]);
    await orders.finished();
    await fleet.allAwake();
    await waitUntilDone(cluster);
    await fleet.drain();
    await cluster.stopReplicas();
    const { broken, late, reclaimed, story } = await brokenWork(cluster, {
      placed: orders.placed,
      calls: fleet.calls(),
      flooder,
      leaseMs: LEASE_SECONDS * 1_000,
    });
    if (reclaimed === 0 || late === 0) broken.push(`nothing was proved: ${reclaimed} attempts were lost, ${late} outcomes came late`);
    return {
      broken: [...orders.violations.slice(0, 5), ...broken, ...(await brokenInvariants(cluster, ['I5'])), ...auditFindings(cluster)],
      story: `${fleet.happened.killed} workers killed, ${fleet.happened.paused} paused, ${hurt.replicasKilled} replicas killed; ${story}`,
    };
  } finally {
    await fleet.stop();
    await cluster.stop();
  }
}

/** Submits of everybody but the flood, from several clients, each at its part of the pace. */
async function orderOthers(orders, users, random, { others, otherMs }) {
  const startedAt = Date.now();
  let ordered = 0;
  const client = async () => {
    while (ordered < others) {
      const nth = ordered;
      const count = Math.min(random.chance(0.5) ? 5 : 1, others - nth);
      ordered += count;
      await delay(startedAt + (otherMs * nth) / others - Date.now());
      await orders.submit(random.pick(users), count, `order-${nth}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** What is done to workers and replicas meanwhile. */
class Hurt {
  replicasKilled = 0;

  constructor(cluster, fleet, random, plan) {
    this.cluster = cluster;
    this.fleet = fleet;
    this.random = random;
    this.plan = plan;
  }

  async workersUntil(isDone) {
    const { fleet, random } = this;
    while (!(await isDone())) {
      await delay(random.integer(700, 1_800));
      const worker = random.pick(fleet.awake());
      const pauseMs = LEASE_SECONDS * 1_000 + random.integer(300, 2_000);
      if (random.chance(0.4)) fleet.pause(worker, pauseMs);
      else await fleet.kill(worker);
    }
  }

  async replicas() {
    const { cluster, random, plan } = this;
    for (; this.replicasKilled < plan.replicaKills; this.replicasKilled++) {
      await delay((plan.otherMs / (plan.replicaKills + 1)) * (0.5 + random.next()));
      await cluster.kill(random.pick(cluster.replicas));
    }
  }
}

const OPEN = `SELECT count(*)::integer AS open FROM requests WHERE status IN ('pending', 'processing')`;

/** All is ordered, and what is left to do is little: the last ones are to end in peace. */
async function isNearlyDone(cluster, { flood, others }) {
  const [{ made, open }] = await cluster.sql(`SELECT (SELECT count(*) FROM requests)::integer AS made, (${OPEN}) AS open`);
  return made === flood + others && open < 100;
}

async function waitUntilDone(cluster) {
  for (const deadline = Date.now() + DRAIN_MS; Date.now() < deadline; await delay(200)) {
    const [{ open }] = await cluster.sql(OPEN);
    if (open === 0) return;
  }
}
