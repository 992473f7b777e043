import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { request } from 'undici';
import { makeAccounts } from '../support/accounts.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { median, ROUNDS, SCALE, SECONDS } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const ENDPOINTS = 20;
const EVENTS = Math.round(10_000 * Math.max(SCALE, 0.2));
/** Half of the rate that is to be sustained. */
const RATE = 500;
const BACKLOG = Math.round(100_000 * SCALE);
const MAX_WAIT_MS = 120_000;
const number = (n) => n.toLocaleString('en-US');
const SETTINGS = `INSERT INTO system_configurations (key, value) VALUES ('webhooks.allowHttp', 'true'), ('webhooks.allowedNetworks', '["127.0.0.0/8"]')`;

/** Receivers, users with an endpoint each, and the events that are recorded for them. */
class Hooks {
  /** @type {Map<number, number>} when each event came, by its number */
  received = new Map();
  recorded = 0;
  /** @type {pg.Client} */
  client;
  /** @type {import('node:http').Server} */
  server;
  /** @type {number[]} */
  users = [];
  /** @type {import('../support/accounts.mjs').Account} */
  dead;

  static async open(stage, database, service) {
    const hooks = new Hooks();
    hooks.client = new pg.Client({ connectionString: stage.server.url(database) });
    await hooks.client.connect();
    hooks.server = createServer((incoming, answer) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (text) => (body += text));
      incoming.on('end', () => {
        hooks.received.set(JSON.parse(body).data.n, performance.now());
        answer.writeHead(204).end();
      });
    });
    await new Promise((resolve) => hooks.server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const sql = (text, values) => stage.server.query(text, values, database);
    const users = await makeAccounts(sql, ENDPOINTS + 1, { scopes: ['webhooks:read', 'webhooks:write'] });
    const url = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (hooks.server.address()).port}/`;
    for (const { key } of users.slice(1)) await endpoint(service, key, url);
    hooks.users = users.slice(1).map(({ id }) => id);
    hooks.dead = users[0];
    return hooks;
  }

  /** Records so many events in one transaction. */
  async record(count) {
    await this.client.query(
      `INSERT INTO events (type, user_id, data) SELECT 'request.succeeded', ($2::integer[])[1 + n % ${ENDPOINTS}], jsonb_build_object('n', n) FROM generate_series($1::integer, $1 + $3 - 1) n`,
      [this.recorded, this.users, count],
    );
    this.recorded += count;
  }

  /** Waits until every event that was recorded has come. */
  async drained() {
    for (const deadline = performance.now() + MAX_WAIT_MS; this.received.size < this.recorded; await delay(5)) {
      if (performance.now() > deadline) throw new Error(`${this.received.size} of ${this.recorded} webhooks came.`);
    }
  }

  /** Records events at a steady pace, each in a commit of its own. @returns how long each was under way, ascending */
  async latencies(seconds) {
    /** @type {Map<number, number>} */
    const committed = new Map();
    const from = performance.now();
    for (let i = 0; i < RATE * seconds; i++) {
      const pause = from + (i * 1_000) / RATE - performance.now();
      if (pause > 1) await delay(pause);
      const n = this.recorded;
      await this.record(1);
      committed.set(n, performance.now());
    }
    await this.drained();
    return [...committed].map(([n, at]) => Math.max(0, (this.received.get(n) ?? Infinity) - at)).sort((a, b) => a - b);
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await this.client.end();
  }
}

async function endpoint(service, key, url) {
  const { statusCode, body } = await request(`${service.url}/v1/webhook-endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url, events: ['*'] }),
  });
  const answer = /** @type {{ id: number }} */ (await body.json());
  if (statusCode !== 201) throw new Error(`The endpoint was not made: ${JSON.stringify(answer)}`);
  return answer.id;
}

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

/** Deliveries a second, from commit to receipt at half of the goal, and the same beside a dead endpoint with a backlog. */
export function webhooks(stage) {
  const prepared = async (database) => {
    await stage.seed(database, [SETTINGS]);
    return stage.service(database);
  };
  return onDatabase(stage, [prepared], async (database, service) => {
    const hooks = await Hooks.open(stage, database, service);
    try {
      const rates = [];
      for (let round = 0; round <= ROUNDS; round++) {
        const from = performance.now();
        await hooks.record(EVENTS);
        await hooks.drained();
        if (round > 0) rates.push((EVENTS * 1_000) / (performance.now() - from));
      }
      const alone = await hooks.latencies(SECONDS * 2);
      // Nobody listens on the discard port.
      const deadId = await endpoint(service, hooks.dead.key, 'http://127.0.0.1:1999/');
      await stage.seed(database, [
        `INSERT INTO events (type, user_id, data) VALUES ('request.failed', ${hooks.dead.id}, '{}')`,
        `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, subject, ordered)
         SELECT ${deadId}, (SELECT max(id) FROM events), 'request.failed', ${hooks.dead.id}, false FROM generate_series(1, ${BACKLOG})`,
      ]);
      const beside = await hooks.latencies(SECONDS * 2);
      const [p50, p99] = [at(alone, 0.5), at(alone, 0.99)];
      return [
        row({
          bench: 'webhooks: delivered',
          figure: `${number(EVENTS)} to ${ENDPOINTS} endpoints, ${perSecond(median(rates))}`,
          ratio: median(rates),
          atLeast: 1_000,
          unit: '/s',
        }),
        row({ bench: 'webhooks: commit to receipt, p50', figure: ms(p50), baseline: `at ${RATE}/s`, ratio: p50, atMost: 100, unit: ' ms' }),
        row({ bench: 'webhooks: commit to receipt, p99', figure: ms(p99), baseline: `at ${RATE}/s`, ratio: p99, atMost: 1_000, unit: ' ms' }),
        row({
          bench: 'webhooks: p99 beside a dead endpoint',
          figure: `${ms(at(beside, 0.99))}, ${number(BACKLOG)} waiting for it`,
          baseline: ms(p99),
          ratio: at(beside, 0.99) / p99,
          atMost: 1.5,
        }),
      ];
    } finally {
      await hooks.stop();
    }
  });
}
