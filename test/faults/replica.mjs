import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { makeAccounts } from '../../bench/support/accounts.mjs';
import { debianFolder } from '../../bench/support/postgres.mjs';
import { ServiceProcess } from '../../bench/support/service.mjs';
import { DATABASE, Pair } from './failover.mjs';

const WITHIN_MS = 30_000;

/** A primary, and a standby that lists are read from: it stops replaying, is away, comes back, and is promoted beside the primary. */
export async function* readFromReplica() {
  const binDir = process.env.TEST_PG_BIN_DIR ?? debianFolder();
  const name = 'lists from a replica that lags, is killed, comes back and takes writes';
  if (!binDir || !existsSync(join(binDir, 'pg_basebackup'))) {
    yield { name, skipped: 'no pg_basebackup: install PostgreSQL 15 or newer, or set TEST_PG_BIN_DIR' };
    return;
  }
  const pair = await Pair.start(binDir);
  /** @type {ServiceProcess | undefined} */
  let service;
  try {
    const environment = { DATABASE_READ_URL: pair.promoted.url(DATABASE), LOG_LEVEL: 'warn' };
    service = await ServiceProcess.start({ databaseUrl: pair.old.url(DATABASE), environment });
    const [writer, reader] = await makeAccounts((text, values) => pair.old.query(text, values, DATABASE), 2);
    yield { name, ...(await prove(pair, service, writer, reader)) };
  } finally {
    await service?.stop();
    await pair.stop();
  }
}

async function prove(pair, service, writer, reader) {
  const broken = [];
  const expect = (holds, what) => holds || broken.push(what);
  const isFromReplica = async () => (await list(service, reader)).asOf !== null;
  const isFromPrimary = async () => !(await isFromReplica());
  const submitted = await submit(service, reader);
  expect(await until(async () => (await isFromReplica()) && (await list(service, reader)).ids.includes(submitted)), 'the replica was never read from');

  await pair.promoted.query('SELECT pg_wal_replay_pause()');
  await until(async () => (await pair.promoted.query('SELECT pg_get_wal_replay_pause_state() AS state'))[0].state === 'paused');
  const pausedAt = Date.now();
  const own = await submit(service, writer);
  const seen = await list(service, writer);
  expect(seen.ids.includes(own) && seen.asOf === null, 'a caller did not read its own write while the replica stood still');
  const stale = await list(service, reader);
  expect(stale.asOf === null || Date.parse(stale.asOf) <= pausedAt, 'an answer was as of an instant that the replica has not replayed');
  expect(await until(isFromPrimary), 'a replica that lags was read from for ever');
  expect((await readiness(service)).status === 'degraded', 'readiness does not state that the replica lags');
  const lagMs = Date.now() - pausedAt;
  await pair.promoted.query('SELECT pg_wal_replay_resume()');
  expect(await until(isFromReplica), 'the replica was not read from again when it had caught up');
  expect(await until(async () => (await list(service, writer)).asOf !== null), 'who had written was kept from the replica for ever');

  await pair.promoted.stopAtOnce();
  const statuses = new Set();
  await until(async () => {
    const { status, asOf } = await list(service, reader);
    statuses.add(status);
    return asOf === null;
  });
  expect(statuses.size === 1 && statuses.has(200), `a list was answered with ${[...statuses].join(', ')} when the replica was killed`);
  await pair.promoted.launch();
  expect(await until(isFromReplica), 'the replica was not read from again when it had come back');

  await pair.openOld();
  await pair.promote();
  expect(await until(isFromPrimary), 'a server that takes writes of its own was read from');
  expect(await until(async () => (await readiness(service)).detail.includes('takes writes itself')), 'readiness does not state that it is no replica any more');
  const last = await submit(service, reader);
  expect((await list(service, reader)).ids.includes(last), 'what was written after the promotion is not in the list');
  return { broken, story: `left ${(lagMs / 1_000).toFixed(1)} s after it stopped replaying` };
}

async function list(service, { key }) {
  const { statusCode, headers, body } = await request(`${service.url}/v1/requests?limit=100`, { headers: { authorization: `Bearer ${key}` } });
  const { items = [] } = /** @type {{ items?: { id: string }[] }} */ (await body.json());
  return { status: statusCode, asOf: headers['x-read-as-of']?.toString() ?? null, ids: items.map(({ id }) => id) };
}

async function submit(service, { key }) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const { body } = await request(`${service.url}/v1/requests`, { method: 'POST', headers, body: '{"type":"report"}' });
  return /** @type {{ id: string }} */ (await body.json()).id;
}

async function readiness(service) {
  const { body } = await request(`${service.url}/health/ready`);
  return /** @type {{ checks: Record<string, { status: string, detail: string }> }} */ (await body.json()).checks.readReplica;
}

async function until(test) {
  for (const deadline = Date.now() + WITHIN_MS; ; await delay(50)) {
    if (await test()) return true;
    if (Date.now() > deadline) return false;
  }
}
