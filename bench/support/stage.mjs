import pg from 'pg';
import { makeAccounts, USER_SCOPES } from './accounts.mjs';
import { built } from './built.mjs';
import { keyFile } from './load.mjs';
import { PostgresServer } from './postgres.mjs';
import { ServiceProcess } from './service.mjs';

export const SPREAD = 10_000;
const TEMPLATE = 'stage';

/** What all benches stand on: one server, and a migrated database with accounts that each bench gets a copy of. */
export class Stage {
  databases = 0;
  /** @type {PostgresServer} */
  server;
  /** @type {import('./accounts.mjs').Account[]} */
  spread;
  /** @type {import('./accounts.mjs').Account} */
  hot;
  /** @type {import('./accounts.mjs').Account} */
  exhausted;
  /** @type {import('./accounts.mjs').Account} */
  admin;
  /** @type {Record<'spread' | 'hot' | 'exhausted' | 'admin', string>} files for the load generator */
  keys;

  static async set() {
    const stage = new Stage();
    stage.server = await PostgresServer.start();
    await stage.server.query(`CREATE DATABASE ${TEMPLATE}`);
    await built('database/migrate').migrate(stage.server.url(TEMPLATE));
    const sql = (text, values) => stage.server.query(text, values, TEMPLATE);
    stage.spread = await makeAccounts(sql, SPREAD);
    [stage.hot] = await makeAccounts(sql, 1);
    [stage.exhausted] = await makeAccounts(sql, 1, { dailyQuota: 5, used: 5 });
    [stage.admin] = await makeAccounts(sql, 1, { role: 'admin', scopes: [...USER_SCOPES, 'admin'] });
    stage.keys = {
      spread: keyFile(stage.spread),
      hot: keyFile([stage.hot]),
      exhausted: keyFile([stage.exhausted]),
      admin: keyFile([stage.admin]),
    };
    await sql('VACUUM ANALYZE');
    return stage;
  }

  /** A database of a bench's own. */
  async database() {
    const name = `bench_${++this.databases}`;
    await this.server.query(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
    await this.server.query('CHECKPOINT');
    return name;
  }

  drop(name) {
    return this.server.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }

  service(database, environment = {}) {
    return ServiceProcess.start({ databaseUrl: this.server.url(database), environment });
  }

  peer(name, database) {
    return ServiceProcess.peer(name, this.server.url(database));
  }

  /** Runs statements one after another on one connection, for what takes its time. */
  async seed(database, statements) {
    const client = new pg.Client({ connectionString: this.server.url(database) });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  /** Users with ids from `first` to `last`, all of whom the spread load may charge. */
  get range() {
    return { first: this.spread[0].id, last: this.spread[this.spread.length - 1].id };
  }

  strike() {
    return this.server.stop();
  }
}

/** Runs `work` with a database and what it opens on it, and leaves nothing behind. */
export async function onDatabase(stage, openers, work) {
  const database = await stage.database();
  const open = [];
  try {
    for (const opener of openers) open.push(await opener(database));
    return await work(database, ...open);
  } finally {
    for (const process of open) await process.stop();
    await stage.drop(database);
  }
}
