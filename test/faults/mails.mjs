import { SMTPServer } from 'smtp-server';
import { setTimeout as delay } from 'node:timers/promises';
import { makeAccounts } from '../../bench/support/accounts.mjs';
import { Cluster } from './cluster.mjs';
import { Random } from './random.mjs';
import { hurt, portOf } from './webhooks.mjs';

const SETTINGS = `INSERT INTO system_configurations (key, value) VALUES ('notifications.quotaMails', '[1]')`;
/** A lease of a process that died is 90 seconds, and the second retry comes after a minute. */
const DRAIN_MS = 240_000;

export const MAILS = { replicas: 2, users: Number(process.env.FAULTS_MAILS ?? 300), ms: 30_000, kills: 4, crashes: 2 };

export async function* proveMails(seed) {
  const { replicas, users, kills, crashes } = MAILS;
  const name = `seed ${seed}: ${users} users use up their day on ${replicas} replicas, ${kills} killed, PostgreSQL crashed ${crashes} times, a mail server that refuses and drops`;
  yield { name, ...(await runMails({ ...MAILS, seed })) };
}

/**
 * One run: whoever was charged the last unit has a mail, at least once and always under the same Message-ID; nobody else has one.
 * @param {any} plan
 */
export async function runMails(plan, { root, drainMs = DRAIN_MS } = /** @type {{ root?: string, drainMs?: number }} */ ({})) {
  const server = await MailServer.open(new Random(plan.seed + 1));
  const cluster = await Cluster.start({ replicas: plan.replicas, prepare: SETTINGS, root, service: server.environment });
  try {
    const users = await makeAccounts((text, values) => cluster.sql(text, values), plan.users, { dailyQuota: 1 });
    const addresses = new Map(
      (await cluster.sql('SELECT id, email FROM users WHERE id = ANY ($1)', [users.map(({ id }) => id)])).map(({ id, email }) => [id, email]),
    );
    const charges = new Charges(cluster, users, new Random(plan.seed + 2), plan);
    await Promise.all([charges.make(), hurt(cluster, new Random(plan.seed + 3), plan)]);
    const owed = [...charges.acknowledged].map((id) => addresses.get(id));
    const missing = () => owed.filter((address) => !server.taken.has(address));
    for (const deadline = Date.now() + drainMs; Date.now() < deadline && missing().length > 0;) await delay(200);
    const allowed = new Set([...charges.acknowledged, ...charges.uncertain].map((id) => addresses.get(id)));
    const broken = [
      ...missing().map((address) => `${address} was charged the last unit and has no mail`),
      ...[...server.taken.keys()].filter((address) => !allowed.has(address)).map((address) => `${address} has a mail of what never happened`),
      ...[...server.taken].filter(([, ids]) => ids.size > 1).map(([address, ids]) => `${address} has ${ids.size} mails: ${[...ids].join(', ')}`),
    ];
    if (charges.acknowledged.size === 0 || charges.rolledBack === 0 || server.failures === 0) broken.push('nothing was proved');
    return {
      broken: broken.slice(0, 10),
      story: `${charges.acknowledged.size} acknowledged, ${charges.uncertain.size} uncertain, ${charges.rolledBack} rolled back; ${server.count} mails taken, ${server.failures} refused or dropped`,
    };
  } finally {
    await cluster.stop();
    await server.close();
  }
}

/** The last unit of each user, over HTTP; of a fifth of them, a charge in a transaction that is rolled back. */
class Charges {
  acknowledged = new Set();
  uncertain = new Set();
  rolledBack = 0;

  constructor(cluster, users, random, plan) {
    this.cluster = cluster;
    this.users = users;
    this.random = random;
    this.plan = plan;
  }

  async make() {
    const startedAt = Date.now();
    await Promise.all(
      this.users.map(async (user, n) => {
        await delay(startedAt + (this.plan.ms * n) / this.users.length - Date.now());
        if (n % 5 === 0) await this.rollBack(user);
        else await this.charge(user);
      }),
    );
  }

  async charge({ id, key }) {
    const { url } = this.random.pick(this.cluster.replicas);
    try {
      const answer = await fetch(`${url}/v1/requests`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: '{"type":"last"}',
      });
      await answer.arrayBuffer();
      if (answer.status === 201) this.acknowledged.add(id);
      else this.uncertain.add(id);
    } catch {
      this.uncertain.add(id);
    }
  }

  async rollBack({ id }) {
    try {
      await this.cluster.session(async (sql) => {
        await sql('BEGIN');
        await sql(
          `INSERT INTO events (type, user_id, data) VALUES ('quota.exhausted', $1, '{"threshold": 1, "used": 1, "limit": 1, "remaining": 0, "resetsAt": "2099-01-01T00:00:00Z"}')`,
          [id],
        );
        await sql('ROLLBACK');
      });
    } catch {
      // It broke off, and that is a rollback too.
    }
    this.rolledBack++;
  }
}

/** A mail server that refuses for now, or drops the connection before or after it has taken the mail, for a part of the time. */
class MailServer {
  /** Message-IDs by address, of what it acknowledged, or may have. */
  taken = new Map();
  count = 0;
  failures = 0;
  /** @type {Record<string, string>} */
  environment = {};
  sockets = new Set();
  /** @type {SMTPServer} */
  server;

  static async open(random) {
    const mails = new MailServer();
    mails.server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      closeTimeout: 10,
      onData: (stream, session, done) => void mails.accept(stream, session, done, random).catch(done),
    });
    mails.server.on('error', () => undefined);
    mails.server.server.on('connection', (socket) => {
      mails.sockets.add(socket);
      socket.on('close', () => mails.sockets.delete(socket));
    });
    await new Promise((resolve) => mails.server.listen(0, '127.0.0.1', () => resolve(undefined)));
    mails.environment = { SMTP_URL: `smtp://127.0.0.1:${portOf(mails.server.server)}`, MAIL_FROM: 'quotidian@example.com' };
    return mails;
  }

  async accept(stream, session, done, random) {
    let text = '';
    for await (const chunk of stream) text += chunk;
    const [address] = session.envelope.rcptTo.map((to) => to.address);
    const id = /^message-id: *(\S+)/im.exec(text)?.[1] ?? 'no Message-ID';
    if (random.chance(0.1)) {
      this.failures++;
      return done(Object.assign(new Error('not now'), { responseCode: 451 }));
    }
    this.taken.set(address, (this.taken.get(address) ?? new Set()).add(id));
    this.count++;
    if (!random.chance(0.03)) return done();
    // Taken, and never acknowledged: it comes once more, as the same mail.
    this.failures++;
    for (const socket of this.sockets) socket.destroy();
  }

  close() {
    return new Promise((resolve) => this.server.close(() => resolve(undefined)));
  }
}
