import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';

const GIVE_UP_MS = 60_000;

/** Work that users order: submits that are repeated under their Idempotency-Key until their outcome is known, and cancels. */
export class Orders {
  /** Every request that was acknowledged: `{ id, user, cost, payload, deadlineAt }`, and with `cancel` the answer to one. */
  placed = [];
  violations = [];
  pending = new Set();
  agent = new Agent({ connections: 100, headersTimeout: 10_000, bodyTimeout: 10_000, connect: { timeout: 2_000 } });

  /** @param {number} longShare how much of the work outlasts a lease, of a quarter of it */
  constructor(replicas, random, type, longShare) {
    this.replicas = replicas;
    this.random = random;
    this.type = type;
    this.longShare = longShare;
  }

  /** What the work is to be. Some of it outlasts a lease, fails for a while or for good, costs less than was reserved, or has little time. */
  draw() {
    const { random } = this;
    const ms = random.pick([
      random.integer(2, 60),
      random.integer(2, 60),
      random.integer(50, 400),
      random.chance(this.longShare) ? random.integer(1_500, 5_000) : 20,
    ]);
    const cost = random.integer(1, 10);
    const payload = { ms };
    if (random.chance(0.08)) payload.failures = random.integer(1, 3);
    else if (random.chance(0.04)) payload.hopeless = true;
    if (random.chance(0.2)) payload.units = random.integer(0, cost);
    const deadlineAt = random.chance(0.05) ? new Date(Date.now() + random.integer(2_000, 20_000)).toISOString() : undefined;
    return { type: this.type, payload, cost, deadlineAt };
  }

  /** One call, a batch where there are several. */
  async submit(user, count, name) {
    const items = Array.from({ length: count }, () => this.draw());
    const answer = count === 1 ? await this.send(user, '/v1/requests', items[0], name) : await this.send(user, '/v1/requests/batch', { items }, name);
    const answers = count === 1 ? [{ status: answer.status, request: answer.body }] : (answer.body.items ?? []);
    for (const [i, item] of items.entries()) {
      if (answers[i]?.status === 201) this.place(user, { ...item, id: answers[i].request.id });
      else this.violations.push(`a submit was answered ${JSON.stringify(answers[i] ?? answer)}`.slice(0, 300));
    }
  }

  place(user, order) {
    const placed = { ...order, user };
    this.placed.push(placed);
    if (!this.random.chance(0.06)) return;
    const canceled = delay(this.random.integer(0, 4_000)).then(() => this.cancel(placed));
    this.pending.add(canceled);
    void canceled.finally(() => this.pending.delete(canceled));
  }

  async cancel(placed) {
    const { status, body } = await this.send(placed.user, `/v1/requests/${placed.id}/cancel`, {});
    if (status === 200 || status === 409) placed.cancel = { status, state: status === 200 ? body.status : body.currentStatus };
    else this.violations.push(`a cancel was answered ${status} ${JSON.stringify(body)}`.slice(0, 300));
  }

  /** Until there is an answer that is one. */
  async send(user, path, content, name) {
    const headers = { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' };
    if (name !== undefined) headers['idempotency-key'] = name;
    for (const deadline = Date.now() + GIVE_UP_MS; ; await delay(50 + Math.random() * 100)) {
      const { url } = this.random.pick(this.replicas);
      try {
        const { statusCode, body } = await request(url + path, { method: 'POST', headers, body: JSON.stringify(content), dispatcher: this.agent });
        const text = await body.text();
        const busy = statusCode === 503 || (statusCode === 409 && name !== undefined) || text.includes('"status":503');
        if (!busy) return { status: statusCode, body: JSON.parse(text) };
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      if (Date.now() > deadline) throw new Error(`${path} had no answer for a minute`);
    }
  }

  async finished() {
    await Promise.all(this.pending);
    await this.agent.close();
  }
}
