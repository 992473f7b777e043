import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { distributed, PLACEMENT, placementOf, REFERENCES_DROPPED, TRIGGERS } from '../src/cluster/placement';
import { keys, references, tables, triggers } from './support/committed-schema';
import { mentionsOf, namesUser } from './support/sql-scopes';
import { MIXED, SKIPS_ACROSS, UNROUTED } from './support/unrouted';

const SQL = join(__dirname, '..', 'sql');
const statements = readdirSync(SQL)
  .filter((file) => file !== 'schema.sql')
  .map((file) => ({ name: file.replace(/\.sql$/, ''), sql: readFileSync(join(SQL, file), 'utf8') }));
const inShards = new Map(distributed());
const shardTables = new Set(inShards.keys());
const localTables = new Set(Object.keys(PLACEMENT).filter((table) => placementOf(table) === 'local'));
const columnOf = (table: string): string => inShards.get(table)?.by ?? '';
const has = (columns: string, column: string) => new RegExp(`\\b${column}\\b`).test(columns);

/** How often each statement means rows of a table without the user. */
function unroutedOf(sql: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const mention of mentionsOf(sql, shardTables)) {
    if (!namesUser(mention, columnOf(mention.table))) counts[mention.table] = (counts[mention.table] ?? 0) + 1;
  }
  return counts;
}

/** Holds schema and statements to what a cluster asks of them; what does not meet it is named, and nothing is added by accident. */
describe('on a cluster', () => {
  it('each table has its place, and a local one a reason', () => {
    expect(Object.keys(PLACEMENT).sort()).toEqual([...tables].sort());
    expect(Object.entries(PLACEMENT).filter(([, where]) => where.place === 'local' && where.reason.length < 10)).toEqual([]);
  });

  it('each key of a table in shards contains its user, or is made to by the distribution', () => {
    const ofShards = keys.filter(({ table }) => shardTables.has(table));
    expect(ofShards.length).toBeGreaterThan(30);
    const lacking = ofShards.filter(({ table, of }) => !has(of, columnOf(table)));
    const declared = [...inShards.values()].flatMap((placement) => Object.keys(placement.keys ?? {}));
    expect(lacking.map(({ name }) => name).sort()).toEqual([...declared].sort());
  });

  it('no foreign key leads into a shard from elsewhere, or out of one to what is local', () => {
    expect(references.length).toBeGreaterThan(20);
    const across = references.filter(({ table, target }) => (placementOf(target) === 'user' ? !shardTables.has(table) : placementOf(target) === 'local'));
    expect(across.map(({ name }) => name).sort()).toEqual([...REFERENCES_DROPPED].sort());
  });

  it('a foreign key within shards is one to the user, or leads to a key that takes the user in front', () => {
    const wrong = references
      .filter(({ table, target }) => shardTables.has(table) && shardTables.has(target))
      .filter(({ table, of, target, targetColumns }) => {
        if (target === 'users') return of !== columnOf(table) || targetColumns !== columnOf('users');
        const key = keys.find((one) => one.table === target && one.of === targetColumns);
        return key === undefined || inShards.get(target)?.keys?.[key.name] !== 'widened';
      });
    expect(wrong).toEqual([]);
  });

  it('each trigger outside of local tables is kept or dropped with a reason', () => {
    const placed = triggers.filter(({ table }) => !localTables.has(table)).map(({ name }) => name);
    expect(Object.keys(TRIGGERS).sort()).toEqual(placed.sort());
  });

  it('each query of a prepared statement names its user, but for those that are listed', () => {
    expect(statements.flatMap(({ sql }) => mentionsOf(sql, shardTables)).length).toBeGreaterThan(150);
    const found = statements.map(({ name, sql }) => [name, unroutedOf(sql)] as const).filter(([, counts]) => Object.keys(counts).length > 0);
    const listed = UNROUTED.flatMap((entry) => entry.statements.map((name) => [name, entry.queries] as const));
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(listed));
  });

  it('the statements of plain charges, of standings and of what a user is answered name their users throughout', () => {
    const routed = ['charge', 'charge-plain', 'charge-keys', 'charge-deadlines', 'charge-holds', 'charge-peeks', 'standing', 'own-configurations'];
    expect(routed.filter((name) => !statements.some((one) => one.name === name))).toEqual([]);
    expect(routed.filter((name) => UNROUTED.some((entry) => entry.statements.includes(name)))).toEqual([]);
  });

  it('nothing is passed over across shards, but by the statements that are listed', () => {
    const across = statements.filter(({ sql }) =>
      mentionsOf(sql, shardTables).some((mention) => /SKIP LOCKED/.test(mention.scope) && !namesUser(mention, columnOf(mention.table))),
    );
    expect(across.map(({ name }) => name)).toEqual(SKIPS_ACROSS);
  });

  it('no statement changes shards and what is local in one, but those that are listed', () => {
    const changes = (sql: string, of: ReadonlySet<string>) => mentionsOf(sql, of).some(({ changed }) => changed);
    const mixed = statements.filter(({ sql }) => changes(sql, shardTables) && changes(sql, localTables));
    expect([...new Set(mixed.map(({ name }) => name.split('-')[0]))]).toEqual(MIXED);
  });
});

describe('the reader of statements', () => {
  const of = (sql: string) => mentionsOf(sql, shardTables).map((mention) => [mention.table, namesUser(mention, columnOf(mention.table))]);

  it.each([
    ['SELECT id FROM requests r WHERE r.status = $1', [['requests', false]]],
    ['SELECT id FROM requests r WHERE r.user_id = $1', [['requests', true]]],
    ['SELECT id FROM requests WHERE user_id = ANY ($1)', [['requests', true]]],
    ['SELECT id FROM requests r WHERE r.user_id <> ALL ($1)', [['requests', false]]],
    ['SELECT id FROM users u WHERE u.id > $1', [['users', false]]],
    ['INSERT INTO quota_usage (user_id, date) SELECT 1, now()', [['quota_usage', true]]],
    ['INSERT INTO request_attempts (request_id) SELECT 1', [['request_attempts', false]]],
    [
      'DELETE FROM requests r USING old o, users u WHERE u.id = o.user_id',
      [
        ['requests', false],
        ['users', true],
      ],
    ],
    // The inner query names a user; the outer one does not.
    [
      'SELECT id FROM requests r WHERE r.id = (SELECT max(id) FROM requests r WHERE r.user_id = $1)',
      [
        ['requests', false],
        ['requests', true],
      ],
    ],
    ['SELECT * FROM account a JOIN requests r USING (user_id)', [['requests', true]]],
  ])('finds in %j whose rows are meant', (sql, expected) => {
    expect(of(sql)).toEqual(expected);
  });
});
