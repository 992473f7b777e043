import { setTimeout as delay } from 'node:timers/promises';
import { makeAccounts } from '../../bench/support/accounts.mjs';
import { built } from '../../bench/support/built.mjs';
import { ServiceProcess } from '../../bench/support/service.mjs';
import { auditFindings } from './books.mjs';
import { DATABASE, Load, until, Watch } from './failover.mjs';
import { NO_PATRONI, PatroniCluster, RULES } from './patroni-cluster.mjs';

const REPLICAS = 2;
const CALLERS = 8;
/** What a leader may go unheard of, and a moment to elect another and to find it. */
const READY_WITHIN_MS = (RULES.ttl + RULES.loop_wait + 30) * 1_000;
const CALM_MS = 3_000;

/**
 * Ways in which a primary is lost, and how the member comes back. `stays`: nobody else is to lead, and no call is to fail.
 * @typedef {{ strike(cluster: PatroniCluster, leader: any): unknown, mend(cluster: PatroniCluster, leader: any): unknown, stays?: boolean, forMs?: number }} Blow
 * @type {Record<string, Blow>}
 */
const BLOWS = {
  'hands over to another': { strike: (_, leader) => leader.handOver(), mend: () => undefined },
  'loses its power': { strike: (_, leader) => leader.die(), mend: (_, leader) => leader.launch() },
  'is frozen with its Patroni, and goes on as if nothing had been': { strike: (_, leader) => leader.freeze(), mend: (_, leader) => leader.thaw() },
  'cannot ask etcd, of which all members are frozen': {
    strike: ({ etcd }) => etcd.forEach((one) => one.signal('SIGSTOP')),
    mend: ({ etcd }) => etcd.forEach((one) => one.signal('SIGCONT')),
    stays: true,
    forMs: (RULES.ttl + RULES.loop_wait) * 1_000,
  },
};

/** Patroni and etcd with three members each, under load, while the primary is lost in each way in turn; it comes back each time. */
export async function* drillPatroni() {
  if (NO_PATRONI) return yield { name: 'a cluster of Patroni under load', skipped: NO_PATRONI };
  const cluster = await PatroniCluster.start(DATABASE);
  const replicas = [];
  try {
    await built('database/migrate').migrate(cluster.url(DATABASE));
    const start = () => ServiceProcess.start({ databaseUrl: cluster.url(DATABASE), environment: { DATABASE_POOL_SIZE: '5', LOG_LEVEL: 'warn' } });
    replicas.push(...(await Promise.all(Array.from({ length: REPLICAS }, start))));
    for (const [how, blow] of Object.entries(BLOWS))
      yield await loseThePrimary(cluster, replicas, blow).then((result) => ({ name: `the primary ${how}`, ...result }));
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await cluster.stop();
  }
}

/** @param {PatroniCluster} cluster @param {any[]} replicas @param {Blow} blow */
async function loseThePrimary(cluster, replicas, { strike, mend, stays = false, forMs = 0 }) {
  const leader = await cluster.leader();
  const users = await makeAccounts((text, values) => leader.query(text, values, DATABASE), CALLERS);
  const load = new Load(replicas, users);
  const watches = replicas.map((replica) => new Watch(replica));
  try {
    await delay(CALM_MS);
    const struckAt = performance.now();
    await strike(cluster, leader);
    if (stays) await delay(forMs);
    else await until(() => watches.every((watch) => watch.readySince(struckAt)), READY_WITHIN_MS * 2);
    await mend(cluster, leader);
    await cluster.whole();
    await delay(CALM_MS);
    await load.stop();
    for (const watch of watches) watch.stop();
    return await verdict(cluster, load, watches, { users, leader, struckAt, stays });
  } finally {
    load.over = true;
    for (const watch of watches) watch.stop();
  }
}

async function verdict(cluster, load, watches, { users, leader, struckAt, stays }) {
  const broken = [];
  const now = await cluster.leader();
  if (stays !== (now === leader)) broken.push(stays ? 'another leads though the primary was there' : 'the primary that was lost leads again');
  const ready = watches.map((watch) => [watch.notReadySince(struckAt), watch.readySince(struckAt)]);
  for (const [i, [lost, found]] of ready.entries()) {
    if (stays && lost !== null) broken.push(`replica ${i} was not ready though the primary was there`);
    if (!stays && (found === null || found - struckAt > READY_WITHIN_MS)) broken.push(`replica ${i} was not ready within ${READY_WITHIN_MS} ms`);
  }
  const ids = load.acknowledged.map(({ id }) => id);
  for (const member of cluster.members) {
    // A standby may replay what it has a moment later; nobody is written to any more.
    let lost = ids.length;
    await until(async () => {
      const rows = await member.query('SELECT count(*) AS n FROM requests WHERE id = ANY ($1)', [ids], DATABASE).catch(() => []);
      if (rows.length > 0) lost = ids.length - Number(rows[0].n);
      return lost === 0;
    }, 30_000);
    if (lost > 0) broken.push(`${lost} acknowledged requests are not on ${member.name}, which ${member === now ? 'leads' : 'follows'}`);
  }
  const charged = Number((await now.query('SELECT count(*) AS n FROM requests WHERE user_id = ANY ($1)', [users.map(({ id }) => id)], DATABASE))[0].n);
  const open = charged - ids.length;
  const late = load.acknowledged.filter(({ at }) => at > struckAt).length;
  if (late === 0) broken.push('nothing was acknowledged afterwards');
  const wrong = load.answers.filter((status) => ![201, 503, 0].includes(status));
  if (wrong.length > 0) broken.push(`answered with ${[...new Set(wrong)].join(', ')}`);
  const failed = load.answers.filter((status) => status !== 201).length;
  if (stays && failed > 0) broken.push(`${failed} calls failed though the primary was there`);
  broken.push(...auditFindings({ url: cluster.url(DATABASE) }));
  const pause = longestPause(load.acknowledged.map(({ at }) => at));
  const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;
  const times = ready.map(([, found]) => (found === null ? 'never not ready' : `ready ${seconds(found - struckAt)} after`)).join(', ');
  return {
    broken,
    story: `${ids.length} acknowledged, ${late} of them afterwards; longest pause ${seconds(pause)}; ${failed} calls failed, of which ${open} had charged unheard; replicas ${times}`,
  };
}

/** Between two answers, in milliseconds. */
function longestPause(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((at, i) => at - sorted[i]));
}
