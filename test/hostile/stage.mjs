import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeAccounts, SERVICE_SCOPES, USER_SCOPES } from '../../bench/support/accounts.mjs';
import { built, ROOT } from '../../bench/support/built.mjs';
import { PostgresServer } from '../../bench/support/postgres.mjs';
import { ServiceProcess } from '../../bench/support/service.mjs';

const DATABASE = 'hostile';
const PROBE = join(ROOT, 'test/hostile/pause-probe.cjs');

/** A PostgreSQL, one replica of the built service that reports its event loop, and those who meet there. */
export class Stage {
  /** @type {string} */
  folder;
  /** @type {PostgresServer} */
  server;
  /** @type {ServiceProcess} */
  service;
  /** @type {import('../../bench/support/accounts.mjs').Account[]} */
  neighbours;
  /** @type {import('../../bench/support/accounts.mjs').Account[]} */
  hostile;
  /** @type {import('../../bench/support/accounts.mjs').Account} */
  exhausted;
  /** @type {import('../../bench/support/accounts.mjs').Account} */
  admin;
  /** @type {import('../../bench/support/accounts.mjs').Account} */
  serviceKey;

  /** @param {{ root?: string, crowd?: number, environment?: Record<string, string> }} options `root` names another build than ours; `crowd` is how many users there are besides. */
  static async set({ root, crowd = 20_000, environment: more = {} } = {}) {
    const stage = new Stage();
    stage.folder = mkdtempSync(join(tmpdir(), 'quotidian-hostile-'));
    stage.server = await PostgresServer.start();
    try {
      await stage.server.query(`CREATE DATABASE ${DATABASE}`);
      await built('database/migrate').migrate(stage.url);
      await stage.people(crowd);
      const environment = {
        LOG_LEVEL: 'error',
        NODE_OPTIONS: `--require ${PROBE} ${process.env.HOSTILE_NODE_OPTIONS ?? ''}`,
        HOSTILE_PAUSES: join(stage.folder, 'pauses.json'),
        ...more,
      };
      stage.service = await ServiceProcess.start({ databaseUrl: stage.url, root, environment });
    } catch (error) {
      await stage.strike();
      throw error;
    }
    return stage;
  }

  get url() {
    return this.server.url(DATABASE);
  }

  get port() {
    return this.service.port;
  }

  sql(text, values) {
    return this.server.query(text, values, DATABASE);
  }

  async people(crowd) {
    const make = (count, options) => makeAccounts((text, values) => this.sql(text, values), count, options);
    this.neighbours = await make(20);
    this.hostile = await make(20);
    [this.exhausted] = await make(1, { dailyQuota: 0 });
    [this.admin] = await make(1, { role: 'admin', scopes: [...USER_SCOPES, 'admin'] });
    [this.serviceKey] = await make(1, { role: 'admin', scopes: [...SERVICE_SCOPES, 'worker'] });
    await this.sql(`INSERT INTO subscription_tiers (name, daily_quota, sort_order) VALUES ('crowd', 100, 50)`);
    await this.sql(
      `INSERT INTO users (email, password_hash, subscription_tier, api_quota_daily) SELECT 'crowd-' || n || '@example.com', '-', 'crowd', 100 FROM generate_series(1, $1) n`,
      [crowd],
    );
    await this.sql('ANALYZE');
  }

  /** The longest pause of the service's event loop since the last time that this was asked, in milliseconds. */
  async longestPauseMs() {
    const read = () => {
      try {
        return JSON.parse(readFileSync(join(this.folder, 'pauses.json'), 'utf8'));
      } catch {
        return { asked: 0, longestMs: 0 };
      }
    };
    const { asked } = read();
    process.kill(this.service.pid, 'SIGUSR2');
    for (const deadline = Date.now() + 60_000; Date.now() < deadline && !this.service.ended; await delay(20)) {
      const now = read();
      if (now.asked > asked) return now.longestMs;
    }
    return Infinity;
  }

  /** Lines of level error that the service has written: a hostile caller's refusals are none. */
  errors() {
    const lines = this.service.output.split('\n').filter((line) => line.startsWith('{'));
    return lines.filter((line) => /"level":("error"|"fatal"|50|60)/.test(line));
  }

  async strike() {
    await this.service?.stop();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
