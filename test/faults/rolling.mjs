import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { makeAccounts } from '../../bench/support/accounts.mjs';
import { ROOT } from '../../bench/support/built.mjs';
import { PostgresServer } from '../../bench/support/postgres.mjs';
import { buildRelease, RELEASE } from '../../bench/support/release.mjs';
import { ServiceProcess } from '../../bench/support/service.mjs';
import { auditFindings } from './books.mjs';

const DATABASE = 'rolling';
/** DDL holds a lock for a moment: a call that meets it may be asked to come again, and must pass then. Nowhere else. */
const MIGRATING = 'schema migrated beneath it';
const REPEATS = 5;
const CALLERS = 6;
/** For how long each mixture of versions serves. */
const PHASE_MS = 3_000;
const SCOPES = ['requests:read', 'requests:write', 'quota:read'];

/** The released version and this one side by side on one database under load: from one to the other with the schema migrated in between, and back. */
export async function* rollOver() {
  const name = `${RELEASE} and this version on one database, there and back`;
  let release;
  try {
    release = buildRelease();
  } catch (error) {
    yield { name, skipped: `the release cannot be built here: ${String(error.message).split('\n')[0]}` };
    return;
  }
  yield { name, ...(await replaceUnderLoad(release)) };
}

async function replaceUnderLoad(release) {
  const server = await PostgresServer.start();
  const fleet = new Rotation(server.url(DATABASE));
  try {
    await server.query(`CREATE DATABASE ${DATABASE}`);
    const former = await fleet.start(release, true);
    const latter = await fleet.start(release);
    const users = await makeAccounts((text, values) => server.query(text, values, DATABASE), CALLERS, { scopes: SCOPES });
    const load = new Load(fleet, users);
    await load.during('released version alone');
    await load.during(MIGRATING, () => command(server, ['migrate']));
    const replace = async (one, root) => {
      const next = await fleet.start(root);
      await fleet.leave(one);
      return next;
    };
    const third = await load.during('one of each', () => replace(former, ROOT));
    const fourth = await load.during('this version alone', () => replace(latter, ROOT));
    await load.during('back: one of each', () => replace(third, release));
    await load.during('back: the released version alone, on the new schema', () => replace(fourth, release));
    await load.stop();
    return verdict(server, load, fleet);
  } finally {
    await fleet.stop();
    await server.stop();
  }
}

async function verdict(server, load, fleet) {
  const ids = load.acknowledged;
  const kept = new Set((await server.query('SELECT id FROM requests WHERE id = ANY ($1)', [ids], DATABASE)).map(({ id }) => id));
  const lost = ids.filter((id) => !kept.has(id));
  const [{ count }] = await server.query('SELECT count(*)::integer AS count FROM requests', [], DATABASE);
  const broken = [...load.failures].map(([what, times]) => `${what}: ${times} times`);
  if (broken.length > 0) broken.push(...fleet.complaints());
  if (lost.length > 0) broken.push(`${lost.length} acknowledged requests are lost, such as ${lost[0]}`);
  if (count !== ids.length) broken.push(`${ids.length} requests were acknowledged, and ${count} are there`);
  broken.push(...auditFindings({ url: server.url(DATABASE) }));
  return {
    broken,
    story: `${[...load.calls].map(([phase, calls]) => `${phase}: ${calls} calls`).join('; ')}; ${load.asked} asked to come again while it was migrated`,
  };
}

/** What a proxy does: calls go to the replicas one after the other, and one that will be stopped is left first. */
class Rotation {
  replicas = [];
  all = [];
  given = 0;

  constructor(databaseUrl) {
    this.databaseUrl = databaseUrl;
  }

  /** @param {string} root @param {boolean} [migrates] */
  async start(root, migrates = false) {
    const environment = { DATABASE_POOL_SIZE: '5', LOG_LEVEL: 'warn', MIGRATE_ON_START: String(migrates) };
    const replica = await ServiceProcess.start({ databaseUrl: this.databaseUrl, root, environment });
    this.all.push(replica);
    this.replicas.push(replica);
    return replica;
  }

  next() {
    return this.replicas[this.given++ % this.replicas.length];
  }

  /** What the replicas logged of the database, for whoever looks for the cause. */
  complaints() {
    const lines = this.all.flatMap(({ output }) => output.split('\n').filter((line) => line.includes('sqlState')));
    return lines.slice(0, 5).map((line) => `logged: ${line}`);
  }

  async leave(replica) {
    this.replicas = this.replicas.filter((one) => one !== replica);
    // A call that was given to it has begun by then.
    await delay(50);
    await replica.end();
  }

  async stop() {
    await Promise.all(this.all.map((replica) => replica.stop()));
  }
}

/** Callers who submit, read what they made wherever it was made, repeat under a key, and look at their quota. But for what meets a migration, no call is made twice to hide that it failed. */
class Load {
  acknowledged = [];
  failures = new Map();
  calls = new Map();
  asked = 0;
  phase = 'start';
  over = false;
  agent = new Agent({ headersTimeout: 30_000, bodyTimeout: 30_000 });

  constructor(fleet, users) {
    this.fleet = fleet;
    this.callers = users.map((user) => this.call(user));
  }

  /**
   * @template T
   * @param {string} phase
   * @param {() => Promise<T>} [step]
   * @returns {Promise<T>}
   */
  async during(phase, step) {
    this.phase = phase;
    const result = await step?.();
    await delay(PHASE_MS);
    return /** @type {T} */ (result);
  }

  async call(user) {
    for (let i = 0; !this.over; i++) {
      const idempotent = { 'idempotency-key': `${user.id}-${i}` };
      const made = await this.ask(user, 'POST', '/v1/requests', 201, idempotent);
      if (made === null) continue;
      this.acknowledged.push(made.id);
      const again = await this.ask(user, 'POST', '/v1/requests', 201, idempotent);
      if (again !== null && again.id !== made.id) this.fail('a repetition under a key made another request');
      await this.ask(user, 'GET', `/v1/requests/${made.id}`, 200);
      await this.ask(user, 'GET', '/v1/requests?limit=5', 200);
      await this.ask(user, 'GET', '/v1/users/me/quota', 200);
    }
  }

  async ask(user, method, path, expected, headers = {}) {
    const phase = this.phase;
    this.calls.set(phase, (this.calls.get(phase) ?? 0) + 1);
    const body = method === 'POST' ? '{"type":"report","payload":{"a":1}}' : undefined;
    const all = { authorization: `Bearer ${user.key}`, ...(body ? { 'content-type': 'application/json' } : {}), ...headers };
    const shown = `${method} ${path.replace(/[0-9a-f-]{36}/, '{id}')}`;
    for (let repeats = 0; ; repeats++) {
      try {
        const answer = await request(`${this.fleet.next().url}${path}`, { method, headers: all, body, dispatcher: this.agent });
        const found = /** @type {any} */ (await answer.body.json());
        if (answer.statusCode === expected) return found;
        const mayPass = phase === MIGRATING && answer.statusCode === 503 && answer.headers['retry-after'] !== undefined;
        if (!mayPass || repeats === REPEATS) return this.fail(`${shown} was answered ${answer.statusCode} ${found.code ?? ''}`);
        this.asked++;
        await delay(1_000);
      } catch (error) {
        return this.fail(`${shown} was not answered: ${error.code ?? error.message}`);
      }
    }
  }

  fail(what) {
    const line = `${this.phase}: ${what}`;
    this.failures.set(line, (this.failures.get(line) ?? 0) + 1);
    return null;
  }

  async stop() {
    this.over = true;
    await Promise.all(this.callers);
    await this.agent.close();
  }
}

function command(server, args) {
  const env = { PATH: process.env.PATH, DATABASE_URL: server.url(DATABASE), LOG_LEVEL: 'silent' };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'dist/src/cli.js'), ...args], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.once('exit', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`quotidian ${args.join(' ')} ended with ${code}: ${stderr}`))));
  });
}
