import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { makeAccounts } from '../../bench/support/accounts.mjs';
import { Cluster } from './cluster.mjs';
import { Random } from './random.mjs';

const SETTINGS = `INSERT INTO system_configurations (key, value) VALUES ('webhooks.allowHttp', 'true'), ('webhooks.allowedNetworks', '["127.0.0.0/8"]'),
  ('webhooks.orderedMaxTries', '20'), ('webhooks.retrySchedule', '[0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5]')`;
const CLIENTS = 8;
const DRAIN_MS = 180_000;
const HUGE = Buffer.alloc(1_048_576, 'x');

/** Enough to find out a service that loses one. */
export const WEBHOOKS = { replicas: 2, users: 12, changes: Number(process.env.FAULTS_CHANGES ?? 1_500), ms: 30_000, kills: 4, crashes: 2, deaths: 3 };
/** So few find out one that loses many. */
export const FEW_WEBHOOKS = { ...WEBHOOKS, users: 6, changes: 600, ms: 12_000, kills: 3, crashes: 0, deaths: 1 };

export async function* proveWebhooks(seed) {
  const { replicas, users, changes, kills, crashes } = WEBHOOKS;
  const name = `seed ${seed}: ${changes} changes of ${users} users on ${replicas} replicas, ${kills} killed, PostgreSQL crashed ${crashes} times, receivers that fail in every way and die`;
  yield { name, ...(await runWebhooks({ ...WEBHOOKS, seed })) };
}

/**
 * One run: what was committed came, what was rolled back did not, ids stay, and order holds where it was asked for.
 * @param {any} plan
 */
export async function runWebhooks(plan, { root, drainMs = DRAIN_MS } = /** @type {{ root?: string, drainMs?: number }} */ ({})) {
  const random = new Random(plan.seed);
  const cluster = await Cluster.start({ replicas: plan.replicas, prepare: SETTINGS, root });
  const receivers = [await Receiver.open(new Random(plan.seed + 1), 0.4), await Receiver.open(new Random(plan.seed + 2), 0.25)];
  const [unordered, ordered] = receivers;
  try {
    const sql = (text, values) => cluster.sql(text, values);
    const users = await makeAccounts(sql, plan.users, { scopes: ['webhooks:read', 'webhooks:write'] });
    const [admin] = await makeAccounts(sql, 1, { role: 'admin', scopes: ['admin'] });
    const [{ url }] = cluster.replicas;
    for (const { key } of users) await makeEndpoint(url, key, { url: unordered.url, events: ['tier.changed'] });
    await makeEndpoint(url, admin.key, { url: ordered.url, events: ['tier.changed'], scope: 'all', ordered: true });
    const changes = new Changes(cluster, users, random, plan);
    await Promise.all([changes.make(), hurt(cluster, new Random(plan.seed + 3), plan, receivers)]);
    const missing = await drained(changes, receivers, drainMs);
    const broken = [...missing, ...receivers.flatMap((receiver) => receiver.broken(changes)), ...ordered.outOfOrder(changes)];
    const failures = unordered.failures + ordered.failures;
    if (changes.committed.size === 0 || changes.rolledBack.size === 0 || failures === 0) broken.push('nothing was proved');
    return {
      broken: broken.slice(0, 10),
      story: `${changes.committed.size} committed, ${changes.rolledBack.size} rolled back, ${changes.uncertain.size} uncertain; ${unordered.count + ordered.count} webhooks, ${failures} answered badly`,
    };
  } finally {
    await cluster.stop();
    for (const receiver of receivers) receiver.close();
  }
}

async function makeEndpoint(url, key, body) {
  const answer = await fetch(`${url}/v1/webhook-endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`The endpoint was not made: ${await answer.text()}`);
}

/** Changes with their events, each in a transaction of its own; a part of them is rolled back. One user's follow each other, by their row. */
class Changes {
  /** @type {Map<number, { user: number, id: string, order: number }>} */
  committed = new Map();
  rolledBack = new Set();
  /** The connection broke at the commit: they may have happened. */
  uncertain = new Set();
  made = 0;

  constructor(cluster, users, random, plan) {
    this.cluster = cluster;
    this.users = users;
    this.random = random;
    this.plan = plan;
  }

  async make() {
    const startedAt = Date.now();
    const client = async () => {
      while (this.made < this.plan.changes) {
        const n = this.made++;
        await delay(startedAt + (this.plan.ms * n) / this.plan.changes - Date.now());
        await this.change(n);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  async change(n) {
    const { id: user } = this.random.pick(this.users);
    const undone = this.random.chance(0.2);
    let committing = false;
    try {
      await this.cluster.session(async (sql) => {
        await sql('BEGIN');
        await sql('SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE', [user]);
        const [{ id }] = await sql(`INSERT INTO events (type, user_id, data) VALUES ('tier.changed', $1, jsonb_build_object('n', $2::integer)) RETURNING id`, [
          user,
          n,
        ]);
        if (undone) {
          this.rolledBack.add(n);
          return sql('ROLLBACK');
        }
        committing = true;
        await sql('COMMIT');
        // Ids of one user are drawn under its row, one after the other.
        this.committed.set(n, { user, id: `evt_${id}`, order: Number(id) });
      });
    } catch {
      if (committing && !this.committed.has(n)) this.uncertain.add(n);
      else if (!this.committed.has(n)) this.rolledBack.add(n);
    }
  }
}

/**
 * Kills replicas, crashes PostgreSQL and has receivers die, at random.
 * @param {{ die: (ms: number) => Promise<void> }[]} receivers
 */
export async function hurt(cluster, random, { kills, crashes, deaths = 0, ms }, receivers = []) {
  const acts = [...Array(kills).fill('kill'), ...Array(crashes).fill('crash'), ...Array(deaths).fill('death')];
  for (let left = acts.length; left > 0; left--) {
    await delay((ms / (acts.length + 1)) * (0.5 + random.next()));
    const [act] = acts.splice(random.integer(0, acts.length - 1), 1);
    if (act === 'kill') await cluster.kill(random.pick(cluster.replicas));
    else if (act === 'crash') await cluster.crash(random.integer(100, 1_500));
    else await random.pick(receivers).die(random.integer(100, 1_500));
  }
}

/** What has not come when it had all the time. */
async function drained(changes, receivers, drainMs) {
  const missing = () =>
    receivers.flatMap((receiver, i) => [...changes.committed].filter(([n]) => !receiver.taken.has(n)).map(([n]) => `change ${n} never came to receiver ${i}`));
  for (const deadline = Date.now() + drainMs; Date.now() < deadline && missing().length > 0;) await delay(200);
  return missing();
}

/** A receiver that answers badly for a part of the time (with failures, redirects, a gigabyte, half an answer, or not at all), and dies now and then. */
class Receiver {
  /** Ids by number, in the order in which each was answered well for the first time. */
  taken = new Map();
  /** @type {string[]} */
  violations = [];
  /** @type {Map<number, string>} */
  ids = new Map();
  count = 0;
  failures = 0;
  url = '';
  /** @type {import('node:http').Server} */
  server;

  static async open(random, badShare) {
    const receiver = new Receiver();
    receiver.server = createServer((incoming, answer) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text) => (body += text));
      incoming.on('end', () => receiver.receive(JSON.parse(body).data.n, String(incoming.headers['webhook-id']), answer, random, badShare));
    });
    await new Promise((resolve) => receiver.server.listen(0, '127.0.0.1', () => resolve(undefined)));
    receiver.url = `http://127.0.0.1:${portOf(receiver.server)}/`;
    return receiver;
  }

  receive(n, id, answer, random, badShare) {
    this.count++;
    if ((this.ids.get(n) ?? id) !== id) this.violations.push(`change ${n} came as ${this.ids.get(n)} and as ${id}`);
    this.ids.set(n, id);
    if (!random.chance(badShare)) {
      if (!this.taken.has(n)) this.taken.set(n, id);
      if (random.chance(0.02)) return void pump(answer.writeHead(200));
      return void answer.writeHead(204).end();
    }
    this.failures++;
    const how = random.integer(0, 5);
    if (how === 0) answer.writeHead(500).end('no');
    else if (how === 1) answer.writeHead(429, { 'retry-after': '1' }).end();
    else if (how === 2) answer.writeHead(301, { location: 'http://127.0.0.1:1/' }).end();
    else if (how === 3) answer.socket?.destroy();
    else if (how === 4) answer.socket?.end('HTTP/1.1 what\r\n\r\n');
    else setTimeout(() => answer.socket?.destroy(), 2_000).unref();
  }

  /** What came of nothing that happened, or under another id than its event's. */
  broken({ committed, rolledBack, uncertain }) {
    const phantoms = [...this.ids.keys()].filter((n) => rolledBack.has(n) || (!committed.has(n) && !uncertain.has(n)));
    const renamed = [...this.ids].filter(([n, id]) => committed.has(n) && committed.get(n).id !== id);
    return [...this.violations, ...phantoms.map((n) => `change ${n} was rolled back and came`), ...renamed.map(([n, id]) => `change ${n} came as ${id}`)];
  }

  /** Of each user, what was answered well before something that happened earlier. */
  outOfOrder({ committed }) {
    const last = new Map();
    const found = [];
    for (const n of this.taken.keys()) {
      const change = committed.get(n);
      if (change === undefined) continue;
      if ((last.get(change.user) ?? 0) > change.order) found.push(`change ${n} of user ${change.user} came behind a later one`);
      last.set(change.user, Math.max(last.get(change.user) ?? 0, change.order));
    }
    return found;
  }

  /** Ends in the middle of whatever it is at, and is back at the same address after a while. */
  async die(ms) {
    const port = portOf(this.server);
    this.close();
    this.failures++;
    await delay(ms);
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', () => resolve(undefined)));
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

export function portOf(server) {
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** Sends a gigabyte, as far as it is let. */
function pump(answer) {
  let left = 1_024;
  const next = () => {
    while (left-- > 0 && !answer.destroyed) if (!answer.write(HUGE)) return void answer.once('drain', next);
    answer.end();
  };
  next();
}
