import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { hashKey, makeKey, shownPrefix } from '../../src/api-keys/key-format';
import { Connections } from '../../src/database/connections';
import { dataSourceOptions } from '../../src/database/data-source-options';
import { ClusterRepository } from '../../src/cluster/cluster.repository';
import { distribute, whyNotOf, whyNotThere } from '../../src/cluster/distribute';
import { distributionOf } from '../../src/cluster/distribution.sql';
import { atOnce, cellOf } from '../../src/cluster/cell.sql';
import { makeCells, partsOf } from '../../src/cluster/cells';
import { CellsRepository } from '../../src/cluster/cells.repository';
import { distributed, PLACEMENT, placementOf } from '../../src/cluster/placement';
import { BooksRepository } from '../../src/ledger/books.repository';
import { createDatabase, type TestDatabase } from '../support/databases';
import { startReplica } from '../support/service';

/** Citus's own functions, as far as the plan calls them, that move nothing: what is left is the change of the schema. */
const STAND_IN = [
  `CREATE FUNCTION create_reference_table(name text) RETURNS void LANGUAGE sql RETURN NULL`,
  `CREATE FUNCTION create_distributed_table(name text, by text, colocate_with text DEFAULT '', shard_count integer DEFAULT 0) RETURNS void LANGUAGE sql RETURN NULL`,
  `CREATE FUNCTION master_get_table_ddl_events(name text) RETURNS SETOF text LANGUAGE sql RETURN format('CREATE TABLE public.%1$I (LIKE public.%1$I INCLUDING ALL)', name)`,
  `CREATE FUNCTION create_distributed_function(name text) RETURNS void LANGUAGE sql RETURN NULL`,
];

describe('the distribution over a cluster', () => {
  let database: TestDatabase;
  let connections: Connections;
  let dataSource: DataSource;
  beforeAll(async () => {
    database = await createDatabase();
    connections = await Connections.open(database.url);
    dataSource = await new DataSource(dataSourceOptions(connections, 1, { application: 'test' })).initialize();
  }, 60_000);
  afterAll(async () => {
    await dataSource.destroy();
    await connections.onApplicationShutdown();
    await database.drop();
  });

  const cluster = () => new ClusterRepository(dataSource.manager);

  it('leaves each key of a table in shards with its user in it, and each foreign key that a shard can hold, by a plan that the schema takes', async () => {
    const before = await cluster().shape();
    await dataSource.query(`INSERT INTO users (email, password_hash) VALUES ('One@example.com', 'x'), ('two@example.com', 'x')`);
    await dataSource.query(`INSERT INTO requests (user_id, type, charged_on) SELECT id, 'report', current_date FROM users`);
    await dataSource.query(`INSERT INTO request_attempts (request_id, attempt, outcome, started_at) SELECT id, 1, 'lost', now() FROM requests`);
    for (const statement of STAND_IN) await dataSource.query(statement);
    await dataSource.transaction(async (tx) => {
      for (const { statements } of distributionOf(before, 32)) for (const statement of statements) await tx.query(statement);
    });
    const after = await cluster().shape();
    const inShards = new Map(distributed());
    const lacking = after.keys.filter(({ table, names }) => inShards.has(table) && !names.includes(inShards.get(table)?.by ?? ''));
    expect(lacking).toEqual([]);
    const dropped = before.references.map(({ name }) => name).filter((name) => !after.references.some((one) => one.name === name));
    expect(dropped).toEqual(['mails_user_id_fkey', 'webhook_endpoints_user_id_fkey']);
    expect(after.views.map(({ name }) => name)).toEqual(before.views.map(({ name }) => name));
    expect(await dataSource.query(`SELECT a.user_id = r.user_id AS same FROM request_attempts a JOIN requests r ON r.id = a.request_id`)).toEqual([
      { same: true },
      { same: true },
    ]);
    expect(await dataSource.query(`SELECT value FROM cluster_lookups WHERE kind = 'email' ORDER BY value`)).toEqual([
      { value: 'one@example.com' },
      { value: 'two@example.com' },
    ]);
    // Accounts go on from the last id, and are removed with all that is theirs.
    const [{ id }] = await dataSource.query<[{ id: number }]>(`INSERT INTO users (email, password_hash) VALUES ('three@example.com', 'x') RETURNING id`);
    expect(id).toBe(3);
    await dataSource.query(`DELETE FROM users WHERE id = 1`);
    expect(await dataSource.query(`SELECT count(*)::integer AS left FROM request_attempts`)).toEqual([{ left: 1 }]);
  });

  describe('has for the users of a worker a cell', () => {
    const cell = 'quotidian_cell_3';
    const SQL = join(__dirname, '..', '..', 'sql');
    const inCell = (work: (query: (text: string, values?: unknown[]) => Promise<unknown>) => Promise<void>) =>
      dataSource.transaction(async (tx) => {
        await tx.query(`SET LOCAL search_path TO ${cell}`);
        await work((text, values) => tx.query(text, values));
      });

    beforeAll(async () => {
      // The tables themselves stand in for their shards.
      const relations = Object.fromEntries(
        Object.keys(PLACEMENT)
          .filter((table) => placementOf(table) !== 'local')
          .map((table) => [table, `public.${table}`]),
      );
      const parts = await partsOf(cluster(), new CellsRepository(dataSource.manager));
      const statement = atOnce(cellOf({ number: 3, host: 'one', port: 5432, relations }, parts));
      await dataSource.query(statement);
      // Again, as after shards were moved.
      await dataSource.query(statement);
    });

    it('in which each statement of ours can be prepared as it is', async () => {
      const names = readdirSync(SQL).filter((file) => file !== 'schema.sql');
      expect(names.length).toBeGreaterThan(40);
      for (const name of names)
        await inCell(async (query) => {
          await query(`PREPARE "${name}" AS ${readFileSync(join(SQL, name), 'utf8').replace(/^-- .*\n/, '')}`);
          await query(`DEALLOCATE "${name}"`);
        });
    });

    it('in which nobody changes a plan or a setting, which is on every node', async () => {
      await expect(inCell(async (query) => void (await query(`UPDATE subscription_tiers SET name = name`)))).rejects.toThrow(
        /^subscription_tiers is on every node/,
      );
    });

    it('from which a process serves them: charges, claims, settles, refunds, and its books agree', async () => {
      const [user] = await accounts('cell-user', ['requests:read', 'requests:write', 'quota:read', 'service']);
      const [worker] = await accounts('cell-worker', ['worker']);
      const replica = await startReplica(database.url, { DATABASE_SCHEMA: cell });
      try {
        const submit = (fields: object, key?: string) =>
          replica
            .as(user)
            .post('/v1/requests')
            .set(key === undefined ? {} : { 'idempotency-key': key })
            .send({ type: 'cell', ...fields });
        const { body: first } = await submit({ cost: 5 }).expect(201);
        const { body: keyed } = await submit({ cost: 2 }, 'once').expect(201);
        const { body: again } = await submit({ cost: 2 }, 'once').expect(201);
        expect(again.id).toBe(keyed.id);
        const { body: canceled } = await submit({ cost: 3 }).expect(201);
        await replica.as(user).post(`/v1/requests/${canceled.id}/cancel`).send({}).expect(200);
        const { body: claimed } = await replica
          .as(worker)
          .post('/v1/requests/claim')
          .send({ types: ['cell'], limit: 5 })
          .expect(200);
        expect(claimed.items.map(({ id }: { id: string }) => id)).toEqual([first.id, keyed.id]);
        await replica.as(worker).post(`/v1/requests/${first.id}/complete`).send({ attempt: 1, units: 1 }).expect(200);
        await replica.as(worker).post(`/v1/requests/${keyed.id}/fail`).send({ attempt: 1 }).expect(200);
        const { body: quota } = await replica.as(user).get('/v1/users/me/quota').expect(200);
        expect(quota.used).toBe(1);
        // Exactly what fits: no more than 100 a day.
        await submit({ cost: 100 }).expect(429);
        await submit({ cost: 99 }).expect(201);
        await submit({}).expect(429);
        expect(await dataSource.query(`SELECT used FROM quota_now WHERE user_id = $1`, [user.id])).toEqual([{ used: 100 }]);
        const { differences } = await replica.app.get(BooksRepository).compare();
        expect(differences.filter(({ userId }) => userId === user.id)).toEqual([]);
      } finally {
        await replica.close();
      }
    });

    it('made by a command, which a database that is not distributed refuses in one line', async () => {
      await expect(makeCells(connections)).rejects.toThrow('The database is not distributed: run `quotidian cluster:distribute` first.');
    });

    async function accounts(name: string, scopes: string[]): Promise<[{ id: number; key: string }]> {
      const [{ id }] = await dataSource.query<[{ id: number }]>(
        `INSERT INTO users (email, password_hash, api_quota_daily, api_quota_custom, time_zone, quota_reset_date)
         VALUES ($1, 'x', 100, true, $2::text, (now() AT TIME ZONE $2::text)::date) RETURNING id`,
        [`${name}@example.com`, zoneAtNoon()],
      );
      const key = makeKey();
      await dataSource.query(`INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes) VALUES ($1, 'cell', $2, $3, $4)`, [
        id,
        shownPrefix(key),
        hashKey(key),
        scopes,
      ]);
      return [{ id, key }];
    }
  });

  it('is refused without the extension, and for a database that this release does not know, each in one line, with nothing done', async () => {
    const other = await createDatabase();
    const there = await Connections.open(other.url);
    try {
      const { steps } = await distribute(there, 8, true);
      expect(steps.flatMap(({ statements }) => statements)).toContain(`SELECT create_distributed_table('requests', 'user_id', colocate_with := 'users')`);
      await expect(distribute(there, 8, false)).rejects.toThrow(/^The database has no extension citus: .*$/);
    } finally {
      await there.onApplicationShutdown();
      await other.drop();
    }
    await expect(distribute(connections, 8, true)).rejects.toThrow(/^Of these tables this release does not know where they belong: cluster_lookups\. .*$/);
    const empty = await createDatabase(null);
    const nothing = await Connections.open(empty.url);
    await expect(distribute(nothing, 8, true)).rejects.toThrow('The database is empty: run `quotidian migrate` first.');
    await nothing.onApplicationShutdown();
    await empty.drop();
  });

  it('is not served from by this release, which states so in one line', async () => {
    await expect(startReplica(database.url)).rejects.toThrow(/^The tables of this database are distributed over a cluster, .*$/);
  });

  it.each([
    [{ migrations: ['a'] }, ['a', 'b'], /^1 migrations have not run/],
    [{ migrations: ['a', 'b'] }, ['a'], /^The database is 1 migrations ahead/],
    [{ migrations: ['a'], tables: ['users', 'migrations'] }, ['a'], null],
  ])('of a database with %j, where %j is known, answers %s', (shape, known, expected) => {
    const answer = whyNotOf({ tables: [], ...shape } as never, known);
    if (expected === null) expect(answer).toBeNull();
    else expect(answer).toMatch(expected);
  });

  const extension = { extension: '13.2', distributedTables: 0, shards: 0 };
  const node = { node: 'one:5432', reachable: true, occupied: false };
  it.each([
    [[], 0, /^The cluster has no worker/],
    [[node, { ...node, node: 'two:5432', reachable: false }], 0, /^The coordinator does not reach two:5432/],
    [[{ ...node, occupied: true }], 0, /^There are users on one:5432 already/],
    [[node], 2, /^2 processes of the service are connected/],
    [[node], 0, null],
  ])('over %j, with %d processes that serve, answers %s', (nodes, replicas, expected) => {
    const answer = whyNotThere(extension, nodes, replicas);
    if (expected === null) expect(answer).toBeNull();
    else expect(answer).toMatch(expected);
  });
});

/** Where it is near noon now, so no day ends meanwhile. */
function zoneAtNoon(): string {
  const ahead = 12 - new Date().getUTCHours();
  return `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}
