import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { debianFolder } from './postgres.mjs';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'quotidian-pgbench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const program = join(debianFolder() ?? '', 'pgbench');

/** What drives the bare statement: pgbench, a C client, where there is one. */
export const DRIVER = debianFolder() !== undefined && existsSync(program) ? 'pgbench' : 'Node pool of 16';

/**
 * The charge as one guarded statement, one commit each, on the service's own tables: rolls a stale day forward, refuses what
 * does not fit, and records the request under a time-ordered id. No archive of the closed day, no idempotency, no events.
 */
const statement = (userId) => `
  WITH charged AS (
    UPDATE users SET
      api_quota_used_today = CASE WHEN quota_reset_date < (now() AT TIME ZONE 'UTC')::date THEN 1 ELSE api_quota_used_today + 1 END,
      api_quota_requests_today = CASE WHEN quota_reset_date < (now() AT TIME ZONE 'UTC')::date THEN 1 ELSE api_quota_requests_today + 1 END,
      quota_reset_date = greatest(quota_reset_date, (now() AT TIME ZONE 'UTC')::date)
    WHERE id = ${userId} AND status = 'active'
      AND (api_quota_unlimited OR CASE WHEN quota_reset_date < (now() AT TIME ZONE 'UTC')::date THEN 0 ELSE api_quota_used_today END + 1 <= api_quota_daily)
    RETURNING id, quota_reset_date, api_quota_daily, api_quota_used_today
  )
  INSERT INTO requests (id, user_id, type, cost, charged_on, limit_at_charge, used_at_charge, payload)
  SELECT (lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 19))::uuid,
    id, 'report', 1, quota_reset_date, api_quota_daily, api_quota_used_today, '{"size": 3}'
  FROM charged RETURNING id, used_at_charge`;

/** Charges per second of the statement, prepared, over the users with ids from `first` to `last`. */
export async function bareStatement(server, database, { first, last, seconds }) {
  return DRIVER === 'pgbench' ? withPgbench(server, database, first, last, seconds) : withPool(server, database, first, last, seconds);
}

async function withPgbench(server, database, first, last, seconds) {
  const script = join(folder, 'charge.sql');
  writeFileSync(script, `\\set user random(${first}, ${last})\n${statement(':user').replace(/\s+/g, ' ')};\n`);
  const args = [
    '-n',
    '-h',
    server.socket,
    '-p',
    '5432',
    '-U',
    'postgres',
    '-M',
    'prepared',
    '-c',
    '64',
    '-j',
    '2',
    '-T',
    String(seconds),
    '-f',
    script,
    database,
  ];
  const { stdout } = await run(program, args);
  return { perSecond: Number(/tps = ([\d.]+)/.exec(stdout)?.[1]) };
}

async function withPool(server, database, first, last, seconds) {
  const pool = new pg.Pool({ connectionString: server.url(database), max: 16 });
  pool.on('error', () => undefined);
  const text = statement('$1');
  const from = performance.now();
  let done = 0;
  const worker = async () => {
    while (performance.now() - from < seconds * 1_000) {
      await pool.query({ name: 'charge', text, values: [first + Math.floor(Math.random() * (last - first + 1))] });
      done++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  const perSecond = done / ((performance.now() - from) / 1_000);
  await pool.end();
  return { perSecond };
}

/** The median time of the statement on one connection, one after another, in milliseconds. */
export async function bareLatency(server, database, userIds, seconds) {
  const client = new pg.Client({ connectionString: server.url(database) });
  await client.connect();
  const text = statement('$1');
  const times = [];
  for (const until = performance.now() + seconds * 1_000; performance.now() < until;) {
    const from = performance.now();
    await client.query({ name: 'charge', text, values: [userIds[Math.floor(Math.random() * userIds.length)]] });
    times.push(performance.now() - from);
  }
  await client.end();
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1] };
}
