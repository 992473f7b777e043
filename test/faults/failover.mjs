import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { makeAccounts } from '../../bench/support/accounts.mjs';
import { built } from '../../bench/support/built.mjs';
import { debianFolder, PostgresServer } from '../../bench/support/postgres.mjs';
import { ServiceProcess } from '../../bench/support/service.mjs';
import { auditFindings } from './books.mjs';

export const DATABASE = 'faults';
const STANDBY = 'standby';
const REPLICAS = 2;
const CALLERS = 8;
const LEAVES_WITHIN_MS = 5_000;
const READY_WITHIN_MS = 10_000;
const WATCH_MS = 25;

/**
 * How the old primary goes, and how it comes back as a server that takes writes: the other half of a split brain.
 * @typedef {{ strike(old: Server): unknown, comeBack(old: Server): unknown, meanwhile?(old: Server): unknown }} Blow
 * @type {Record<string, Blow>}
 */
const BLOWS = {
  'is killed': { strike: (old) => old.stopAtOnce(), comeBack: (old) => old.launch() },
  'is frozen': { strike: (old) => old.signal('SIGSTOP'), comeBack: (old) => old.signal('SIGCONT') },
  'still takes writes': { strike: () => undefined, comeBack: () => undefined },
  'is made to give up its standby': { strike: () => undefined, comeBack: () => undefined, meanwhile: giveUpStandby },
};

/** A primary and its synchronous standby; the standby is promoted under load in each way in which a primary can be lost. */
export async function* failOver() {
  const binDir = process.env.TEST_PG_BIN_DIR ?? debianFolder();
  const baseBackup = binDir && join(binDir, 'pg_basebackup');
  for (const [how, blow] of Object.entries(BLOWS)) {
    const name = `a promotion under load when the primary ${how}`;
    if (!baseBackup || !existsSync(baseBackup)) yield { name, skipped: 'no pg_basebackup: install PostgreSQL 15 or newer, or set TEST_PG_BIN_DIR' };
    else yield await promoteUnderLoad(binDir, blow).then((result) => ({ name, ...result }));
  }
}

/** Ends each wait for the standby: PostgreSQL then reports a commit that is on its own disk alone as a success, with a warning. */
async function giveUpStandby(old) {
  for (let i = 0; i < 20; i++) {
    await old.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    await delay(50);
  }
}

/** @param {string | undefined} binDir @param {Blow} blow */
async function promoteUnderLoad(binDir, { strike, comeBack, meanwhile = () => undefined }) {
  const pair = await Pair.start(binDir);
  const replicas = [];
  try {
    const databaseUrl = pair.url;
    const start = () => ServiceProcess.start({ databaseUrl, environment: { DATABASE_POOL_SIZE: '5', LOG_LEVEL: 'warn' } });
    replicas.push(...(await Promise.all(Array.from({ length: REPLICAS }, start))));
    const users = await makeAccounts((text, values) => pair.old.query(text, values, DATABASE), CALLERS);
    const load = new Load(replicas, users);
    const watches = replicas.map((replica) => new Watch(replica));
    await delay(2_000);
    const struckAt = performance.now();
    await strike(pair.old);
    // Whoever manages the fail-over needs a moment to notice.
    await delay(1_000);
    await pair.promote();
    const promotedAt = performance.now();
    await meanwhile(pair.old);
    await until(() => watches.every((watch) => watch.readySince(struckAt)), READY_WITHIN_MS * 3);
    await comeBack(pair.old);
    await pair.openOld();
    const left = await pair.countOld();
    await delay(4_000);
    await load.stop();
    for (const watch of watches) watch.stop();
    return verdict(pair, load, watches, { struckAt, promotedAt, left });
  } finally {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await pair.stop();
  }
}

async function verdict(pair, load, watches, { struckAt, promotedAt, left }) {
  const broken = [];
  for (const [i, watch] of watches.entries()) {
    const [notReady, ready] = [watch.notReadySince(struckAt), watch.readySince(struckAt)];
    if (notReady === null || notReady - struckAt > LEAVES_WITHIN_MS)
      broken.push(`replica ${i} did not state within ${LEAVES_WITHIN_MS} ms that it is not ready`);
    if (ready === null || ready - promotedAt > READY_WITHIN_MS) broken.push(`replica ${i} was not ready within ${READY_WITHIN_MS} ms of the promotion`);
  }
  const ids = load.acknowledged.map(({ id }) => id);
  const kept = new Set((await pair.promoted.query('SELECT id FROM requests WHERE id = ANY ($1)', [ids], DATABASE)).map(({ id }) => id));
  const lost = ids.filter((id) => !kept.has(id));
  if (lost.length > 0) broken.push(`${lost.length} acknowledged requests are not on the new primary, such as ${lost[0]}`);
  const after = await pair.countOld();
  if (after !== left) broken.push(`the old primary, which takes writes again, was written to: ${after - left} requests`);
  const late = load.acknowledged.filter(({ at }) => at > promotedAt).length;
  if (late === 0) broken.push('nothing was acknowledged after the promotion');
  const wrong = load.answers.filter((status) => ![201, 503, 0].includes(status));
  if (wrong.length > 0) broken.push(`answered with ${[...new Set(wrong)].join(', ')}`);
  broken.push(...auditFindings({ url: pair.promoted.url(DATABASE) }));
  const seconds = (from, to) => (to === null ? 'never' : `${((to - from) / 1_000).toFixed(1)} s`);
  const story = watches.map(
    (watch) =>
      `not ready after ${seconds(struckAt, watch.notReadySince(struckAt))}, ready ${seconds(promotedAt, watch.readySince(struckAt))} after the promotion`,
  );
  return { broken, story: `${ids.length} acknowledged, ${late} of them after the promotion; ${story.join('; ')}` };
}

/** A primary with a synchronous standby, of which the standby will be promoted. */
export class Pair {
  /** @type {Server} */
  old;
  /** @type {Server} */
  promoted;

  static async start(binDir) {
    const pair = new Pair();
    pair.old = new Server(await PostgresServer.start({ binDir }));
    await pair.old.query(`CREATE DATABASE ${DATABASE}`);
    await built('database/migrate').migrate(pair.old.url(DATABASE));
    pair.promoted = new Server(await standbyOf(pair.old.server, binDir));
    await pair.old.query(`ALTER SYSTEM SET synchronous_standby_names = '${STANDBY}'`);
    await pair.old.query('SELECT pg_reload_conf()');
    await until(async () => (await pair.old.query(`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`)).length === 1, 30_000);
    return pair;
  }

  get url() {
    const folders = [this.old, this.promoted].map(({ server }) => server.socket).join(',');
    return `postgresql://postgres@/${DATABASE}?host=${encodeURIComponent(folders)}&port=5432&target_session_attrs=read-write`;
  }

  promote() {
    return this.promoted.query('SELECT pg_promote(true, 30)');
  }

  /** Lets the old primary take writes without its standby: whatever is sent to it now would be in force there, and lost. */
  async openOld() {
    await this.old.query('ALTER SYSTEM RESET synchronous_standby_names');
    await this.old.query('SELECT pg_reload_conf()');
    await until(async () => (await this.old.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).length === 0, 10_000);
  }

  async countOld() {
    return Number((await this.old.query('SELECT count(*) AS n FROM requests', [], DATABASE))[0].n);
  }

  async stop() {
    for (const server of [this.promoted, this.old]) await server?.stop();
  }
}

/** A server that can be frozen with all its processes. */
class Server {
  constructor(server) {
    this.server = server;
  }

  query(text, values, database) {
    return this.server.query(text, values, database);
  }

  url(database) {
    return this.server.url(database);
  }

  /** The first process, then those that it began, each of which is in a group of its own. */
  async signal(name) {
    process.kill(this.server.pid, name);
    const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=', '--ppid', String(this.server.pid)]).catch(({ stdout = '' }) => ({ stdout }));
    for (const pid of stdout.split('\n').map(Number).filter(Boolean)) {
      try {
        process.kill(pid, name);
      } catch {
        // It ended meanwhile.
      }
    }
  }

  stopAtOnce() {
    return this.server.stopAtOnce();
  }

  launch() {
    return this.server.launch();
  }

  async stop() {
    await this.server.stopAtOnce();
    rmSync(this.server.folder, { recursive: true, force: true });
  }
}

async function standbyOf(primary, binDir) {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-run-'));
  chmodSync(folder, 0o755);
  const standby = new PostgresServer(folder, primary.binaries, primary.account, {});
  for (const own of [standby.data, standby.socket]) {
    mkdirSync(own, { mode: 0o700 });
    if (primary.account.uid !== undefined) chownSync(own, primary.account.uid, primary.account.gid);
  }
  const from = `host=${primary.socket} port=5432 user=postgres application_name=${STANDBY}`;
  const flags = ['-d', from, '-D', standby.data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'];
  await promisify(execFile)(join(binDir ?? dirname(primary.binaries.postgres), 'pg_basebackup'), flags, {
    ...primary.account,
    cwd: '/',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  await standby.launch();
  return standby;
}

/** Callers who submit one request after the other, and remember what was acknowledged. */
export class Load {
  acknowledged = [];
  answers = [];
  over = false;

  constructor(replicas, users) {
    this.agent = new Agent({ headersTimeout: 30_000, bodyTimeout: 30_000 });
    this.callers = users.map((user, i) => this.call(replicas[i % replicas.length], user));
  }

  async call(replica, user) {
    for (let i = 0; !this.over; i++) {
      const headers = { authorization: `Bearer ${user.key}`, 'content-type': 'application/json', 'idempotency-key': `${user.id}-${i}` };
      const [status, id] = await this.submit(replica, headers).catch(() => [0]);
      this.answers.push(status);
      if (status === 201) this.acknowledged.push({ id, at: performance.now() });
      else await delay(20);
    }
  }

  async submit(replica, headers) {
    const { statusCode, body } = await request(`${replica.url}/v1/requests`, { method: 'POST', headers, body: '{"type":"report"}', dispatcher: this.agent });
    const { id } = /** @type {{ id: string }} */ (await body.json());
    return [statusCode, id];
  }

  async stop() {
    this.over = true;
    await Promise.all(this.callers);
    await this.agent.close();
  }
}

/** Asks a replica all the time whether it is ready. */
export class Watch {
  seen = [];
  over = false;

  constructor(replica) {
    void this.run(replica);
  }

  async run(replica) {
    while (!this.over) {
      const ready = await isReady(replica).catch(() => false);
      this.seen.push({ at: performance.now(), ready });
      await delay(WATCH_MS);
    }
  }

  notReadySince(start) {
    return this.seen.find(({ at, ready }) => at > start && !ready)?.at ?? null;
  }

  /** When it was ready again after it was not. */
  readySince(start) {
    const lost = this.notReadySince(start);
    return lost === null ? null : (this.seen.find(({ at, ready }) => at > lost && ready)?.at ?? null);
  }

  stop() {
    this.over = true;
  }
}

async function isReady(replica) {
  const { statusCode, body } = await request(`${replica.url}/health/ready`);
  await body.dump();
  return statusCode === 200;
}

export async function until(test, withinMs) {
  for (const deadline = Date.now() + withinMs; ; await delay(50)) {
    if (await test()) return;
    if (Date.now() > deadline) return;
  }
}
