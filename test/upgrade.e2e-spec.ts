import { DataSource } from 'typeorm';
import { Connections } from '../src/database/connections';
import { dataSourceOptions } from '../src/database/data-source-options';
import { migrate } from '../src/database/migrate';
import { BooksRepository } from '../src/ledger/books.repository';
import { createDatabase } from './support/databases';
import { startReplica } from './support/service';

/** The last migration of the first release: what came later must take a database with data as it is, and give it back. */
const LAST_RELEASED = 1795305620000;
const KEY_HASH = `sha256('a key'::bytea)`;

/** Accounts, plans, settings and requests in every state, as the first release wrote them; the books agree. */
const DATA = [
  `INSERT INTO subscription_tiers (name, daily_quota, sort_order, burst_per_minute) VALUES ('team', 50, 15, 600)`,
  `INSERT INTO users (id, email, password_hash, role, status, subscription_tier, api_quota_daily, time_zone, api_quota_custom) VALUES
     (11, 'plain@example.com', 'x', 'user', 'active', 'free', 5, NULL, false),
     (12, 'Team@Example.com', 'x', 'user', 'active', 'team', 50, 'Asia/Kathmandu', false),
     (13, 'custom@example.com', 'x', 'admin', 'active', 'pro', 77, 'America/New_York', true),
     (14, 'suspended@example.com', 'x', 'user', 'suspended', 'free', 5, NULL, false)`,
  `UPDATE users SET quota_override_daily = 9, quota_override_expires_at = now() + interval '1 day', quota_override_reason = 'a test' WHERE id = 11`,
  `UPDATE users SET next_subscription_tier = 'free', next_quota_daily = 5 WHERE id = 12`,
  `SELECT setval(pg_get_serial_sequence('users', 'id'), 100)`,
  `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, daily_cap) VALUES (11, 'one', 'qtd_one', ${KEY_HASH}, '{requests:write}', 10)`,
  `INSERT INTO refresh_tokens (user_id, family, token_hash, token_version, expires_at, rotated_at) VALUES
     (11, '6f9619ff-8b86-4d11-b42d-00c04fc964ff', sha256('1'), 0, now() + interval '9 days', now()),
     (11, '6f9619ff-8b86-4d11-b42d-00c04fc964ff', sha256('2'), 0, now() + interval '9 days', NULL),
     (12, '7f9619ff-8b86-4d11-b42d-00c04fc964ff', sha256('3'), 0, now() + interval '9 days', NULL)`,
  `INSERT INTO system_configurations (key, value, version) VALUES ('quota.timeZone', '"Etc/UTC"', 1)`,
  `INSERT INTO requests (user_id, type, status, cost, refunded_units, charged_on, attempt, lease_expires_at, started_at, finished_at, payload)
     SELECT u, 'report', s.status, 2, s.refunded, d.day, s.attempt, s.lease, CASE WHEN s.status <> 'pending' THEN now() END,
       CASE WHEN s.status NOT IN ('pending', 'processing') THEN now() END, '{"n": 1}'
     FROM unnest(ARRAY[11, 12, 13]) u, unnest(ARRAY[current_date, current_date - 3]) AS d(day),
       (VALUES ('pending', 0, 0, NULL::timestamptz), ('processing', 0, 1, now() + interval '1 hour'), ('succeeded', 0, 1, NULL), ('failed', 2, 3, NULL)) AS s(status, refunded, attempt, lease)`,
  `UPDATE users SET quota_reset_date = current_date, api_quota_used_today = 6, api_quota_refunded_today = 2, api_quota_requests_today = 4 WHERE id IN (11, 12, 13)`,
  `INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests) SELECT u, current_date - 3, 5, 6, 2, 4 FROM unnest(ARRAY[11, 12, 13]) u`,
  `INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, request_id) SELECT user_id, 'requests', 'k' || row_number() OVER (), '\\x00', id FROM requests WHERE status = 'succeeded'`,
  `INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, response_status, response_body) VALUES (13, 'users', 'made', '\\x00', 201, '{"id":14}')`,
];
const LARGE = ['users', 'requests', 'api_keys', 'refresh_tokens', 'idempotency_keys', 'quota_usage', 'quota_events', 'user_configurations', 'audit_events'];

describe('a database of the first release', () => {
  /** Each table's rows, as JSON of the columns that the first release knew. */
  const contents = async (dataSource: DataSource, columns: Record<string, string[]>) => {
    const rows: Record<string, unknown> = {};
    for (const [table, names] of Object.entries(columns)) {
      const list = names.map((name) => `"${name}"`).join();
      rows[table] = await dataSource.query(`SELECT (SELECT to_jsonb(x) FROM (SELECT ${list}) x) AS row FROM "${table}" ORDER BY 1`);
    }
    return rows;
  };
  const columnsOf = async (dataSource: DataSource) => {
    const rows = await dataSource.query<{ table: string; names: string[] }[]>(
      `SELECT table_name AS table, array_agg(column_name::text ORDER BY ordinal_position) AS names FROM information_schema.columns
       JOIN information_schema.tables USING (table_schema, table_name)
       WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'migrations' GROUP BY 1`,
    );
    return Object.fromEntries(rows.map(({ table, names }) => [table, names]));
  };
  /** Which file holds each table: a table that is rewritten gets another one. */
  const files = (dataSource: DataSource) => dataSource.query(`SELECT relname, relfilenode FROM pg_class WHERE relname = ANY ($1) ORDER BY 1`, [LARGE]);

  it('is brought up to date without a table being rewritten, keeps its books and its rows, and can be taken back', async () => {
    const database = await createDatabase(null);
    const options = dataSourceOptions(await Connections.open(database.url), 2);
    const all = await new DataSource(options).initialize();
    try {
      const classes = all.migrations.map((migration) => migration.constructor);
      const isReleased = ({ name }: { name: string }) => Number(/\d{13}$/.exec(name)?.[0]) <= LAST_RELEASED;
      const release = await new DataSource({ ...options, migrations: classes.filter(isReleased) as never }).initialize();
      await release.runMigrations();
      for (const statement of DATA) await release.query(statement);
      const columns = await columnsOf(release);
      const before = await contents(release, columns);
      const filesBefore = await files(release);
      await release.destroy();

      const names = await migrate(database.url);
      expect(names).toHaveLength(classes.filter((one) => !isReleased(one)).length);
      expect(await files(all)).toEqual(filesBefore);
      const replica = await startReplica(database.url);
      expect(await replica.app.get(BooksRepository).compare()).toMatchObject({ clean: true });
      await replica.as().get('/health/ready').expect(200);
      await replica.close();

      for (const _ of names) await all.undoLastMigration();
      expect(await columnsOf(all)).toEqual(columns);
      expect(await contents(all, columns)).toEqual(before);
    } finally {
      await all.destroy();
      await database.drop();
    }
  });
});
