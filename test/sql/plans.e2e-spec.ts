import { Client } from 'pg';
import '../../src/app';
import { preparedStatements } from '../../src/database/prepared-statements';
import { sessionOptions, STABLE_PLANS } from '../../src/database/session';
import { createDatabase, type TestDatabase } from '../support/databases';

/** A node of a plan, as EXPLAIN (FORMAT JSON) shows it. */
interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Recheck Cond'?: string;
  Plans?: Node[];
}

const USERS = 100_000;
/** Tables that grow with users or with what they do. The others hold a handful of rows. */
const GROWING = [
  'users',
  'api_keys',
  'requests',
  'request_attempts',
  'idempotency_keys',
  'quota_usage',
  'quota_events',
  'user_configurations',
  'user_configuration_versions',
  'events',
  'event_listeners',
  'webhook_endpoints',
  'webhook_deliveries',
];
const FILL = [
  `INSERT INTO users (email, password_hash) SELECT 'user-' || n || '@example.com', 'x' FROM generate_series(1, ${USERS}) n`,
  `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes) SELECT id, 'one', 'qtd_one', sha256(id::text::bytea), '{quota:read}' FROM users`,
  `INSERT INTO requests (user_id, type, status, charged_on, started_at, finished_at, refunded_units)
     SELECT id, 'report', s.status, current_date - id % 30, CASE WHEN s.status <> 'pending' THEN now() END, CASE WHEN s.status <> 'pending' THEN now() END, s.refunded
     FROM users, (VALUES ('pending', 0), ('succeeded', 0), ('failed', 1)) AS s(status, refunded)`,
  `INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, request_id) SELECT user_id, 'requests', id::text, '\\x00', id FROM requests WHERE status = 'pending'`,
  `INSERT INTO quota_usage (user_id, date, quota, used) SELECT id, current_date - 1, 5, 1 FROM users`,
  `INSERT INTO quota_events (user_id, date, threshold, used, quota) SELECT id, current_date, 1, 5, 5 FROM users`,
  `INSERT INTO events (type, user_id, data, position, published_at)
     SELECT 'request.succeeded', id, '{}', CASE WHEN id % 2 = 0 THEN id END, CASE WHEN id % 2 = 0 THEN now() END FROM users`,
  `INSERT INTO event_listeners (user_id, type, source) SELECT id, '*', 'endpoint:' || id FROM users`,
  `INSERT INTO webhook_endpoints (user_id, url, events, secret) SELECT id, 'https://example.com', '{*}', '{}' FROM users`,
  `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, subject, ordered, status, finished_at)
     SELECT id % 1000, id, 'user.updated', id, s.ordered, s.status, CASE WHEN s.status <> 'waiting' THEN now() END
     FROM users, (VALUES (false, 'waiting'), (true, 'waiting'), (false, 'delivered')) AS s (ordered, status)`,
  `ANALYZE`,
];

describe('with 100,000 users, under the planner settings of the service,', () => {
  let database: TestDatabase;
  let client: Client;
  beforeAll(async () => {
    database = await createDatabase();
    client = new Client({ connectionString: database.url, options: sessionOptions('', 'public', { ...STABLE_PLANS, statement_timeout: 0 }) });
    await client.connect();
    for (const statement of FILL) await client.query(statement);
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  it('statements are there to be planned', () => expect(preparedStatements().length).toBeGreaterThan(10));

  it.each(preparedStatements())('$name reads no table that grows from end to end', async ({ text }) => {
    const parameters = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, n]) => Number(n)));
    await client.query(`PREPARE planned AS ${text}`);
    try {
      const values = parameters === 0 ? '' : `(${Array(parameters).fill('NULL').join()})`;
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`EXPLAIN (FORMAT JSON) EXECUTE planned${values}`);
      expect(wholeScans(rows[0]['QUERY PLAN'][0].Plan)).toEqual([]);
    } finally {
      await client.query('DEALLOCATE planned');
    }
  });
});

/** Scans of a growing table that nothing narrows down: sequential ones, and those of a whole index unless a LIMIT above ends them. */
function wholeScans(node: Node, parent?: Node): string[] {
  const table = node['Relation Name'];
  const narrowed = node['Index Cond'] !== undefined || node['Recheck Cond'] !== undefined || parent?.['Node Type'] === 'Limit';
  const isWhole = table !== undefined && GROWING.includes(table) && /Scan/.test(node['Node Type']) && (node['Node Type'] === 'Seq Scan' || !narrowed);
  return [
    ...(isWhole ? [`${node['Node Type']} of ${table} by ${node['Index Name'] ?? 'nothing'}`] : []),
    ...(node.Plans ?? []).flatMap((child) => wholeScans(child, node)),
  ];
}
