import { DataSource } from 'typeorm';
import { Connections } from '../../src/database/connections';
import { dataSourceOptions } from '../../src/database/data-source-options';
import { ClusterRepository } from '../../src/cluster/cluster.repository';
import { distribute, whyNotOf, whyNotThere } from '../../src/cluster/distribute';
import { distributionOf } from '../../src/cluster/distribution.sql';
import { distributed } from '../../src/cluster/placement';
import { createDatabase, type TestDatabase } from '../support/databases';
import { startReplica } from '../support/service';

/** Citus's own functions, as far as the plan calls them, that move nothing: what is left is the change of the schema. */
const STAND_IN = [
  `CREATE FUNCTION create_reference_table(name text) RETURNS void LANGUAGE sql RETURN NULL`,
  `CREATE FUNCTION create_distributed_table(name text, by text, colocate_with text DEFAULT '', shard_count integer DEFAULT 0) RETURNS void LANGUAGE sql RETURN NULL`,
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
