import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { makeAccounts, SERVICE_SCOPES } from '../../bench/support/accounts.mjs';

/** One request that will be offered, and what came of it. */
export class Offer {
  /**
   * The id that a 201 gave, once one has.
   * @type {string | null}
   */
  id = null;
  refused = false;
  /**
   * What is left of the quota by the first answer; null when that was lost.
   * @type {number | null}
   */
  left = null;
  /** A 201 that was no replay was seen. */
  first = false;
  /**
   * When it was first sent, and when a 201 was first seen.
   * @type {number | undefined}
   */
  since;
  /** @type {number | undefined} */
  answeredAt;
  /**
   * The entry of its charge in the history.
   * @type {any}
   */
  charge;

  /**
   * @param {number | string} number
   * @param {any} user
   * @param {number} cost
   * @param {string} credential
   * @param {boolean} actsFor
   * @param {{ twice?: boolean, later?: boolean }} delivery whether it is delivered again: at once, or when its outcome is known
   * @param {string} [type]
   */
  constructor(number, user, cost, credential, actsFor, delivery, type = 'report') {
    this.delivery = delivery;
    this.user = user;
    this.cost = cost;
    this.credential = credential;
    this.key = `offer-${number}`;
    this.body = JSON.stringify({ type, payload: { number }, cost, ...(actsFor ? { userId: user.id } : {}) });
  }

  get known() {
    return this.refused || this.id !== null;
  }
}

/** Where it is near noon now, so no run meets a midnight by chance. */
export function zoneAtNoon(now = new Date()) {
  const ahead = 12 - now.getUTCHours();
  return ahead === 0 ? 'Etc/GMT' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

/**
 * Accounts and offers: `factor` times what the quotas hold, in a random order.
 * @param {(text: string, values: unknown[]) => Promise<any[]>} sql
 * @param {import('./random.mjs').Random} random
 * @param {{ hot: boolean, maxCost: number, factor: number, offers: number, now?: Date, name?: string }} shape
 * `now` is what the database takes for now; `name` is in the keys and is the type, where there are several rounds
 */
export async function makeOffers(sql, random, { hot, maxCost, factor, offers: wanted, now, name }) {
  const meanCost = (1 + maxCost) / 2;
  const count = hot ? random.integer(1, 3) : random.integer(40, 150);
  const quota = Math.max(1, Math.round((wanted * meanCost) / factor / count));
  const timeZone = zoneAtNoon(now);
  const users = [];
  for (let i = 0; i < count; i++) {
    const own = Math.max(1, Math.round(quota * (0.5 + random.next())));
    const [account] = await makeAccounts(sql, 1, { dailyQuota: own, timeZone, scopes: SERVICE_SCOPES });
    users.push({ ...account, quota: own });
  }
  const [teller] = await makeAccounts(sql, 1, { dailyQuota: 0, scopes: SERVICE_SCOPES });
  const offers = [];
  for (const user of users) {
    for (let units = 0; units < user.quota * factor;) {
      const cost = random.integer(1, maxCost);
      units += cost;
      const byTeller = random.chance(0.3);
      offers.push(
        new Offer(
          name === undefined ? offers.length : `${name}-${offers.length}`,
          user,
          cost,
          byTeller ? teller.key : user.key,
          byTeller,
          { twice: random.chance(0.2), later: random.chance(0.5) },
          name,
        ),
      );
    }
  }
  for (let i = offers.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [offers[i], offers[j]] = [offers[j], offers[i]];
  }
  return { users, offers };
}

const ANSWER_TIMEOUT_MS = 10_000;
const GIVE_UP_MS = 120_000;

/**
 * Sends offers from many clients to many replicas until the outcome of each is known: an answer that was lost, or a 503,
 * is asked for again under the same Idempotency-Key, from any replica. A share is delivered twice, at once or later.
 */
export class Workload {
  lost = 0;
  unavailable = 0;
  replays = 0;
  /** What no service that keeps its promises answers. */
  /** @type {string[]} */
  violations = [];

  /**
   * @param {import('../../bench/support/service.mjs').ServiceProcess[]} replicas
   * @param {import('./random.mjs').Random} random
   * @param {Offer[]} offers
   * @param {import('./endings.mjs').Endings | null} [endings] gives units back meanwhile, and keeps the history of what was asked and answered
   */
  constructor(replicas, random, offers, endings = null) {
    this.replicas = replicas;
    this.random = random;
    this.offers = offers;
    this.endings = endings;
    this.agent = new Agent({
      connections: 600,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      connect: { timeout: 2_000 },
    });
  }

  /**
   * Offers in bursts, one from each client at a time, each burst when the last one's outcomes are known.
   * @param {number} clients
   * @param {(burst: number, bursts: number) => Promise<void>} beforeBurst
   */
  async run(clients, beforeBurst = () => Promise.resolve()) {
    const bursts = Math.ceil(this.offers.length / clients);
    for (let burst = 0; burst < bursts; burst++) {
      await beforeBurst(burst, bursts);
      await Promise.all(this.offers.slice(burst * clients, (burst + 1) * clients).map((offer) => this.deliver(offer)));
    }
    await this.agent.close();
  }

  async deliver(offer) {
    const { twice, later } = offer.delivery;
    await Promise.all(twice && !later ? [this.settle(offer), this.settle(offer)] : [this.settle(offer)]);
    await this.endings?.after(offer);
    if (twice && later) await this.settle(offer);
  }

  /** Delivers the offer until its outcome is known. */
  async settle(offer) {
    offer.since ??= performance.now();
    for (const deadline = Date.now() + GIVE_UP_MS; ; await delay(20 + Math.random() * 80)) {
      const start = performance.now();
      const answer = await this.send(offer);
      if (answer === null) this.lost++;
      else if (answer.status === 503 || answer.status === 409) this.putOff(offer, answer);
      else return this.note(offer, answer, start);
      if (Date.now() > deadline) return this.violate(offer, 'no answer for two minutes');
    }
  }

  putOff(offer, { status, fields }) {
    this.unavailable++;
    if (status === 503 && fields['retry-after'] === undefined) this.violate(offer, 'a 503 without Retry-After');
  }

  async send(offer) {
    const { url } = this.random.pick(this.replicas);
    const headers = {
      authorization: `Bearer ${offer.credential}`,
      'content-type': 'application/json',
      'idempotency-key': offer.key,
    };
    try {
      const {
        statusCode: status,
        headers: fields,
        body,
      } = await request(`${url}/v1/requests`, { method: 'POST', headers, body: offer.body, dispatcher: this.agent });
      const text = await body.text();
      return { status, fields, body: text === '' ? null : JSON.parse(text) };
    } catch {
      return null;
    }
  }

  note(offer, { status, fields, body }, start) {
    this.endings?.answered(offer, { status, fields, body }, start);
    if (status === 201) {
      offer.answeredAt ??= performance.now();
      // Where units come back, there may be room for what was refused.
      if (offer.refused && !this.endings) this.violate(offer, 'admitted after it was refused');
      if (offer.id !== null && offer.id !== body.id) this.violate(offer, `two requests for one key: ${offer.id}, ${body.id}`);
      const replayed = fields['idempotency-replayed'] === 'true';
      if (replayed) this.replays++;
      else if (offer.id !== null && offer.first) this.violate(offer, 'charged again and not marked as a replay');
      else offer.left = Number(/"daily";r=(\d+)/.exec(fields.ratelimit)?.[1]);
      if (!replayed) offer.first = true;
      offer.id = body.id;
    } else if (status === 429) {
      if (start >= (offer.answeredAt ?? Infinity) || (offer.id !== null && !this.endings)) this.violate(offer, 'refused after it was admitted');
      if (body.requested !== offer.cost || body.used + body.requested <= body.limit) this.violate(offer, `refused though it fits: ${JSON.stringify(body)}`);
      offer.refused = true;
    } else {
      this.violate(offer, `answered ${status} ${JSON.stringify(body)}`);
    }
  }

  violate(offer, what) {
    this.violations.push(`answers: ${offer.key} (user ${offer.user.id}, ${offer.cost} units): ${what}`);
  }
}
