import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { makeAccounts } from '../support/accounts.mjs';
import { cpuSeconds } from '../support/cpu.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { jobQueues } from '../support/queues.mjs';
import { byTurns, median, ROUNDS, SCALE } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

/** As many as a call takes. */
const BATCH = 100;
const WORKERS = 4;
const REQUESTS = Math.round(30_000 * Math.max(SCALE, 0.2));
const FINISHED = Math.round(5_000_000 * SCALE);
/** Claims in one round. */
const CLAIMS = 25;
const STREAMS = 8_000;
/** No more than one user may hold. */
const STREAMS_A_USER = 20;
const number = (n) => n.toLocaleString('en-US');

/** Requests by plain SQL, with ids ordered by time as the service makes them. */
const requests = ({ count, users, status, ageDays = 0 }) => `
  INSERT INTO requests (id, user_id, type, status, cost, charged_on, payload, created_at, attempt, finished_at)
  SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n || '${status}'), 1, 3) || '8' || substr(md5(n || 'x'), 1, 15))::uuid,
    ${users.first} + n % ${users.last - users.first + 1}, 'work', '${status}', 1, (at AT TIME ZONE 'UTC')::date, '{"size": 3}', at, ${status === 'pending' ? '0, NULL' : '1, at'}
  FROM (SELECT n, now() - interval '${ageDays} days' - make_interval(secs => (${count} - n) / 1000.0) AS at FROM generate_series(1, ${count}) n) row`;

class Worker {
  constructor(service, key) {
    this.url = service.url;
    this.headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    this.dispatcher = new Agent({ connections: 64 });
  }

  /** @returns {Promise<any>} what was answered */
  async post(path, body) {
    const { statusCode, body: answer } = await request(`${this.url}/v1/requests${path}`, {
      method: 'POST',
      headers: this.headers,
      body: JSON.stringify(body),
      dispatcher: this.dispatcher,
    });
    const json = await answer.json();
    if (statusCode >= 300) throw new Error(`${path} answered ${statusCode}: ${JSON.stringify(json)}`);
    return json;
  }

  async claim(limit, waitSeconds = 0) {
    return (await this.post('/claim', { types: ['work'], limit, waitSeconds })).items;
  }

  /** All of them in one call. */
  async complete(items) {
    const answer = await this.post('/complete', { items: items.map(({ id, attempt }) => ({ id, attempt, result: { words: 3 } })) });
    const refused = answer.items.find(({ status }) => status !== 200);
    if (refused !== undefined) throw new Error(`A result was not taken: ${JSON.stringify(refused)}`);
  }

  /** Claims and completes until nothing is left. */
  async drain({ workers, batch }) {
    let done = 0;
    const from = performance.now();
    await Promise.all(
      Array.from({ length: workers }, async () => {
        for (let items; (items = await this.claim(batch)).length > 0; done += items.length) await this.complete(items);
      }),
    );
    return { done, ms: performance.now() - from };
  }
}

const workerOf = async (stage, database, service) => {
  const [{ key }] = await makeAccounts((text, values) => stage.server.query(text, values, database), 1, { scopes: ['worker'] });
  return new Worker(service, key);
};

/** Has a full queue carried out to its end, by workers that take a hundred at a time. */
const carryOut = async (queue) => {
  const { done, ms: elapsed } = await queue.drain({ workers: WORKERS, batch: BATCH, count: REQUESTS });
  if (done !== REQUESTS) throw new Error(`${done} of ${REQUESTS} were handed out.`);
  return { perSecond: (done * 1_000) / elapsed };
};
const fillOurs = (stage, database) => stage.seed(database, [requests({ count: REQUESTS, users: stage.range, status: 'pending' }), 'VACUUM ANALYZE']);

/** How many requests a second are claimed and completed over HTTP. */
export function workRate(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    const worker = await workerOf(stage, database, service);
    const spent = () => [cpuSeconds(service.child.pid), cpuSeconds(stage.server.pid)];
    const once = async () => {
      await fillOurs(stage, database);
      const before = spent();
      const { perSecond: rate } = await carryOut(worker);
      const [node, sql] = spent().map((after, i) => ((after - before[i]) * 1e6) / REQUESTS);
      return { rate, node, sql };
    };
    const { ours } = await byTurns({ ours: once });
    const figure = `${number(REQUESTS)} by ${WORKERS} workers, ${BATCH} a call`;
    const baseline = `${(ours.node + ours.sql).toFixed(0)} µs each (service ${ours.node.toFixed(0)}, database ${ours.sql.toFixed(0)})`;
    return [row({ bench: 'claim + complete', figure, baseline, ratio: ours.rate, atLeast: 8_000, unit: '/s' })];
  });
}

/** The same beside two job queues, each a library in the worker's own process that keeps no books. */
export async function vsQueues(stage) {
  const { PgBossQueue, GraphileWorkerQueue } = await jobQueues();
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    const worker = await workerOf(stage, database, service);
    const besides = (Queue) => async () =>
      onDatabase(stage, [], async (peerDatabase) => {
        const queue = await Queue.open(stage.server.url(peerDatabase));
        try {
          await queue.fill(REQUESTS);
          await stage.seed(peerDatabase, ['VACUUM ANALYZE']);
          return await carryOut(queue);
        } finally {
          await queue.close();
        }
      });
    const { ours, pgBoss, graphile } = await byTurns({
      ours: () => fillOurs(stage, database).then(() => carryOut(worker)),
      pgBoss: besides(PgBossQueue),
      graphile: besides(GraphileWorkerQueue),
    });
    const figure = perSecond(ours.perSecond);
    const against = (bench, { perSecond: rate }, atLeast) => row({ bench, figure, baseline: perSecond(rate), ratio: ours.perSecond / rate, atLeast });
    return [against('claim + complete, vs pg-boss', pgBoss, 2), against('claim + complete, vs graphile-worker', graphile, 0.4)];
  });
}

/** A claim with millions of finished requests in the table against one with none, by turns: each with a database and a service of its own. */
export function workFlat(stage) {
  const users = stage.range;
  const prepared = (finished, work) =>
    onDatabase(stage, [], async (database) => {
      if (finished > 0) {
        await stage.seed(database, ['SET session_replication_role = replica', requests({ count: finished, users, status: 'succeeded', ageDays: 1 })]);
      }
      const pending = requests({ count: (ROUNDS + 1) * CLAIMS * BATCH, users, status: 'pending' });
      await stage.seed(database, [pending, 'VACUUM ANALYZE requests', 'CHECKPOINT']);
      const service = await stage.service(database);
      try {
        return await work(await workerOf(stage, database, service));
      } finally {
        await service.stop();
      }
    });
  const claims = async (worker) => {
    const times = [];
    for (let i = 0; i < CLAIMS; i++) {
      const from = performance.now();
      const { length } = await worker.claim(BATCH);
      times.push(performance.now() - from);
      if (length !== BATCH) throw new Error(`${length} of ${BATCH} were handed out.`);
    }
    return { p50: median(times) };
  };
  return prepared(0, (idle) =>
    prepared(FINISHED, async (busy) => {
      const { none, full } = await byTurns({ none: () => claims(idle), full: () => claims(busy) });
      const figure = `p50 ${ms(full.p50)} with ${number(FINISHED)} finished requests`;
      return [row({ bench: 'claim, flat', figure, baseline: `p50 ${ms(none.p50)} with none`, ratio: full.p50 / none.p50, within: 0.2 })];
    }),
  );
}

/** From the submit's answer to the answer of a worker that waits. */
export function pickUp(stage) {
  return onDatabase(stage, [(db) => stage.service(db), (db) => stage.service(db)], async (database, near, far) => {
    const [user] = stage.spread;
    const submit = new Worker(near, user.key);
    const rows = [];
    for (const [name, service] of Object.entries({ 'same replica': near, 'another replica': far })) {
      const worker = await workerOf(stage, database, service);
      const times = [];
      for (let i = 0; i < 60; i++) {
        const waiting = worker.claim(1, 10);
        await delay(30);
        await submit.post('', { type: 'work' });
        const from = performance.now();
        const [item] = await waiting;
        times.push(Math.max(0, performance.now() - from));
        await worker.complete([item]);
      }
      rows.push(row({ bench: `pick-up, ${name}`, figure: `p50 of ${times.length}`, ratio: median(times), atMost: 20, unit: ' ms' }));
    }
    return rows;
  });
}

/** What thousands of open event streams of many users take, at rest and once each has been pinged. */
export function streams(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (_, service) => {
    const calls = [];
    for (const user of stage.spread.slice(0, STREAMS / STREAMS_A_USER)) {
      const submit = new Worker(service, user.key);
      const made = await Promise.all(Array.from({ length: STREAMS_A_USER }, () => submit.post('', { type: 'work' })));
      const headers = { authorization: submit.headers.authorization };
      for (const { id } of made) calls.push({ url: `${service.url}/v1/requests/${id}/events`, headers });
      await submit.dispatcher.close();
    }
    await delay(500);
    const before = service.memory().now;
    const open = [];
    for (let i = 0; i < STREAMS; i += 100) {
      const some = calls.slice(i, i + 100).map(({ url, headers }) => {
        const call = get(url, { headers, agent: false });
        call.on('error', () => undefined);
        return { call, told: new Promise((resolve, reject) => call.once('response', (answer) => answer.once('data', resolve)).once('error', reject)) };
      });
      await Promise.all(some.map(({ told }) => told));
      open.push(...some);
    }
    await delay(20_000);
    const { now, peak } = service.memory();
    for (const { call } of open) call.destroy();
    const figure = `${number(STREAMS)} open for ${number(STREAMS / STREAMS_A_USER)} users: ${Math.round(peak)} MiB resident at most`;
    return [row({ bench: 'event streams', figure, baseline: `${Math.round(before)} MiB before`, ratio: now - before, atMost: 100, unit: ' MiB' })];
  });
}
