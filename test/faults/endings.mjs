import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { makeAccounts } from '../../bench/support/accounts.mjs';

const FINAL = ['succeeded', 'failed', 'canceled'];
/** Nobody else gets what an answer that was lost has handed out: it stays at work until the run is over. */
const LEASE_SECONDS = 600;
const GIVE_UP_MS = 120_000;
const TIMEOUTS = { headersTimeout: 10_000, bodyTimeout: 10_000 };

/**
 * Cancels, failures and settlements for less than was reserved, while charges go on; and now and then a look at the quota. It keeps
 * the history of all this as each user saw it, from the start of the call to its answer.
 */
export class Endings {
  /** @type {object[]} */
  history = [];
  /** @type {string[]} */
  violations = [];
  /** Units that the outcome which ended a request gave back, by its id. */
  refunds = new Map();
  isOver = false;
  /** @type {Promise<void>} */
  working;

  constructor(replicas, random, worker, type) {
    this.type = type;
    this.replicas = replicas;
    this.random = random;
    this.worker = worker;
  }

  static async start(cluster, random, type = 'report') {
    const [worker] = await makeAccounts((text, values) => cluster.sql(text, values), 1, { dailyQuota: 0, scopes: ['worker'] });
    const endings = new Endings(cluster.replicas, random, worker, type);
    endings.working = endings.work();
    return endings;
  }

  async stop() {
    this.isOver = true;
    await this.working;
  }

  /** A submit was answered. A replay is made of the first answer, and its rate-limit fields are a look at the quota. */
  answered(offer, { status, fields, body }, start) {
    const { user, cost } = offer;
    const end = performance.now();
    const used = user.quota - Number(/"daily";r=(\d+)/.exec(fields.ratelimit)?.[1]);
    if (status === 429) this.history.push({ user, kind: 'refusal', units: cost, used: body.used, start, end });
    if (status !== 201) return;
    const isReplay = fields['idempotency-replayed'] === 'true';
    if (isReplay) this.history.push({ user, kind: 'read', units: 0, used, start, end });
    // Only the answer to the try that did it shows the count and the time; a replay states that it was done before.
    if (!isReplay) offer.charge = { user, kind: 'charge', units: cost, used, start, end };
    else offer.charge ??= { user, kind: 'charge', units: cost, used: null, start: offer.since, end };
    if (isReplay && offer.charge.used === null) offer.charge.end = Math.min(offer.charge.end, end);
  }

  /** What its user does when an offer's outcome is known. */
  async after(offer) {
    if (offer.id !== null && this.random.chance(0.25)) await this.cancel(offer);
    if (this.random.chance(0.2)) await this.look(offer.user);
  }

  async cancel({ id, user, cost }) {
    const { status, body, isRepeated, ...during } = await this.send(user, `${id}/cancel`, {});
    if (status === 200 && body.status === 'canceled') this.refunded(id, user, body.refunded, during);
    // What a try before may have done without our hearing. Of what was begun already it ended nothing: its worker did.
    else if (isRepeated && body.currentStatus === 'canceled' && body.currentAttempt === 0) this.refunded(id, user, cost, during);
  }

  async look(user) {
    const start = performance.now();
    const { status, body, isRepeated } = await this.send(user, null);
    if (status === 200 && !isRepeated) this.history.push({ user, kind: 'read', units: 0, used: body.used, start, end: performance.now() });
  }

  async work() {
    while (!this.isOver) {
      await delay(this.random.integer(5, 60));
      const { body, isRepeated } = await this.send(this.worker, 'claim', {
        types: [this.type],
        limit: this.random.integer(1, 20),
        leaseSeconds: LEASE_SECONDS,
      });
      if (!isRepeated) await Promise.all(body.items.map((item) => this.end(item)));
    }
  }

  async end({ id, userId, cost, attempt }) {
    const act = this.random.pick(['complete', 'complete', 'fail', 'leave']);
    if (act === 'leave') return;
    const units = act === 'complete' && this.random.chance(0.7) ? this.random.integer(0, cost) : undefined;
    const { status, body, isRepeated, ...during } = await this.send(this.worker, `${id}/${act}`, { attempt, units });
    const user = { id: userId };
    if (status === 200) this.refunded(id, user, body.refundedUnits, during);
    else if (isRepeated && FINAL.includes(body.currentStatus)) this.refunded(id, user, act === 'fail' ? cost : cost - (units ?? cost), during);
    else this.violations.push(`answers: request ${id} was not ended: ${status} ${JSON.stringify(body)}`);
  }

  refunded(id, user, units, during) {
    if (this.refunds.has(id)) this.violations.push(`answers: request ${id} was ended twice`);
    this.refunds.set(id, units);
    if (units > 0) this.history.push({ user, kind: 'refund', units, used: null, ...during });
  }

  /** Until there is an answer. `start` is that of the try that was answered, or of the first where others were lost. */
  async send({ key }, path, content) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const options = content === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(content) };
    const startedAt = performance.now();
    for (let isRepeated = false; performance.now() < startedAt + GIVE_UP_MS; isRepeated = true) {
      const { url } = this.random.pick(this.replicas);
      const start = isRepeated ? startedAt : performance.now();
      try {
        const answer = await request(path === null ? `${url}/v1/users/me/quota` : `${url}/v1/requests/${path}`, { ...options, ...TIMEOUTS });
        const body = JSON.parse(await answer.body.text());
        if (answer.statusCode !== 503) return { status: answer.statusCode, body, isRepeated, start, end: performance.now() };
      } catch {
        // Lost: whether it was heard, the next answer tells.
      }
      await delay(20 + Math.random() * 80);
    }
    throw new Error(`${path} had no answer for two minutes`);
  }
}
