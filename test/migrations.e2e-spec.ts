import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { Connections } from '../src/database/connections';
import { dataSourceOptions } from '../src/database/data-source-options';
import { migrate } from '../src/database/migrate';
import { createDatabase, type TestDatabase } from './support/databases';
import { eventually } from './support/eventually';

describe('the migrations', () => {
  let databases: TestDatabase[] = [];
  const empty = async () => {
    const database = await createDatabase(null);
    databases.push(database);
    return database.url;
  };
  afterEach(async () => {
    await Promise.all(databases.map((database) => database.drop()));
    databases = [];
  });
  const open = async (url: string) => new DataSource(dataSourceOptions(await Connections.open(url), 2)).initialize();
  const drift = async (dataSource: DataSource) => (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  /** Everything in the schema, as PostgreSQL describes it. */
  const schema = (dataSource: DataSource) =>
    dataSource.query<{ item: string }[]>(
      `SELECT format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) AS item FROM information_schema.columns WHERE table_schema = 'public'
       UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
       UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
       UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
       UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`,
    );

  it('make what the entities state, can all be taken back, and make the same again', async () => {
    const url = await empty();
    const names = await migrate(url);
    const dataSource = await open(url);
    try {
      expect(names).toHaveLength(dataSource.migrations.length);
      expect(await drift(dataSource)).toEqual([]);
      const before = await schema(dataSource);
      expect(before.length).toBeGreaterThan(150);
      for (const _ of dataSource.migrations) await dataSource.undoLastMigration();
      expect((await schema(dataSource)).filter(({ item }) => !item.includes('migrations'))).toEqual([]);
      await dataSource.runMigrations();
      expect(await schema(dataSource)).toEqual(before);
    } finally {
      await dataSource.destroy();
    }
    expect(await migrate(url)).toEqual([]);
  });

  it('run once when three replicas start at once', async () => {
    const url = await empty();
    const ran = await Promise.all([migrate(url), migrate(url), migrate(url)]);
    const counts = ran.map((names) => names.length).sort((a, b) => a - b);
    expect(counts.slice(0, 2)).toEqual([0, 0]);
    expect(counts[2]).toBeGreaterThan(10);
  });

  it('step back from what callers hold, and are begun again until they have passed', async () => {
    const url = await empty();
    const names = await migrate(url);
    const dataSource = await open(url);
    const caller = new Client({ connectionString: url });
    try {
      const isThere = async () => (await dataSource.query<unknown[]>(`SELECT FROM migrations WHERE name = 'LimitUnitsInFlight1795770000100'`)).length > 0;
      // Back to before one that alters tables which every charge reads, and one that runs in no transaction.
      while (await isThere()) await dataSource.undoLastMigration();
      await caller.connect();
      await caller.query('BEGIN; LOCK TABLE users, subscription_tiers, requests IN ACCESS SHARE MODE');
      const migrating = migrate(url);
      const waiting = `SELECT FROM pg_stat_activity WHERE application_name = 'quotidian migrate' AND datname = current_database() AND wait_event_type = 'Lock'`;
      await eventually(async () => (await dataSource.query<unknown[]>(waiting)).length > 0);
      // Longer than any migration waits for a lock.
      await caller.query('SELECT pg_sleep(2.5)');
      await caller.query('COMMIT');
      expect((await migrating).length).toBeGreaterThan(1);
      expect(await migrate(url)).toEqual([]);
      expect(await drift(dataSource)).toEqual([]);
      expect(names).toHaveLength(dataSource.migrations.length);
    } finally {
      await caller.end();
      await dataSource.destroy();
    }
  });

  it('name every constraint and index by hand, after its table', async () => {
    const dataSource = await open((await createdFromTemplate()).url);
    try {
      const strays = await dataSource.query(
        `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
         WHERE c.relnamespace = 'public'::regnamespace AND t.relname <> 'migrations' AND (c.relname !~ '_(key|idx|pkey)$' OR NOT starts_with(c.relname, t.relname || '_'))
         UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f')
           AND (conname !~ '_(check|fkey)$' OR NOT starts_with(conname, conrelid::regclass || '_'))`,
      );
      expect(strays).toEqual([]);
      const times = await dataSource.query(
        `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type IN ('timestamp without time zone', 'json')`,
      );
      expect(times).toEqual([]);
    } finally {
      await dataSource.destroy();
    }
  });

  async function createdFromTemplate(): Promise<TestDatabase> {
    const database = await createDatabase();
    databases.push(database);
    return database;
  }
});
