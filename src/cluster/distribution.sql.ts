import { type Shape } from './cluster.repository';
import { distributed, PLACEMENT, placementOf, REFERENCES_DROPPED, TRIGGERS } from './placement';

/** One step of the distribution: what it is for, and its statements. */
export interface Step {
  title: string;
  statements: string[];
}

const LOOKUPS = 'cluster_lookups';
/** Functions that read `users` or plans on a worker, those that are called first. */
const FUNCTIONS = [
  'quota_zone_known',
  'quota_default_zone',
  'tier_forms',
  'quota_plans',
  'quota_zone_of',
  'quota_day_start',
  'quota_day_at',
  'quota_period_end',
  'quota_of',
];
/** The argument, in a function's text, that is a whole row. */
const ROW_ARGUMENT = /(\(\w+) (?:users|subscription_tiers)\b/;
const inShards = new Map(distributed());
const isPlaced = (table: string) => placementOf(table) === 'user' || placementOf(table) === 'reference';
const byOf = (table: string): string => inShards.get(table)?.by ?? '';
/** Tables of ours that rows in shards refer to: in front of who refers to them. */
const referenceTables = Object.keys(PLACEMENT).filter((table) => placementOf(table) === 'reference');

/**
 * All that turns the database into a distributed one, in order, for one transaction: what Citus cannot hold is taken away, keys get
 * their user, tables are moved, and what a shard can hold is put back.
 *
 * @param shards how many shards the users are spread over; more than the workers will ever be
 */
export function distributionOf(shape: Shape, shards: number): Step[] {
  return [
    { title: 'This transaction: one connection for each worker, and foreign keys to tables on every node', statements: SESSION },
    { title: 'What depends on the tables as they are', statements: shape.views.map(({ name }) => `DROP VIEW ${name}`) },
    { title: 'Triggers: on a worker they run on shards', statements: triggersOf(shape).map(({ table, name }) => `DROP TRIGGER ${name} ON ${table}`) },
    { title: 'Foreign keys: those that a shard can hold come back', statements: referencesOf(shape).map(drop) },
    {
      title: 'Identities become sequences, which the coordinator counts up',
      statements: shape.identities.filter(({ table }) => isPlaced(table)).flatMap(sequenced),
    },
    { title: 'Rows that name their user through another table', statements: [...inShards].flatMap(([table]) => withUser(table)) },
    { title: 'Values that only one user may have, whatever the shard', statements: lookups() },
    { title: 'Keys get their user behind', statements: shape.keys.filter(lacksUser).flatMap(widened) },
    { title: 'Tables on every node', statements: referenceTables.map((table) => `SELECT create_reference_table('${table}')`) },
    { title: 'Tables of users', statements: [...inShards.keys()].map((table) => distribute(table, shards)) },
    {
      title: 'Values by their hash',
      statements: [`SELECT create_distributed_table('${LOOKUPS}', 'value', shard_count := ${shards}, colocate_with := 'none')`],
    },
    { title: 'Foreign keys within a shard, and to tables on every node', statements: referencesOf(shape).filter(holds).map(restored) },
    { title: 'Functions on every node', statements: functionsOf(shape).map((name) => `SELECT create_distributed_function('${name}')`) },
    { title: 'The same for rows of shards', statements: forRowsOf(shape) },
    {
      title: 'They read plans and settings, which are on every node',
      statements: [`ALTER DATABASE ${shape.database} SET citus.allow_nested_distributed_execution TO 'on'`],
    },
    { title: 'Who writes a row without its user', statements: [...inShards].flatMap(([table]) => userFound(table)) },
    {
      title: 'Triggers that hold on a shard',
      statements: triggersOf(shape)
        .filter(({ name }) => TRIGGERS[name] === 'kept')
        .map(({ definition }) => definition),
    },
    { title: 'Views', statements: shape.views.map(({ name, definition }) => `CREATE VIEW ${name} AS ${definition.replace(/;\s*$/, '')}`) },
  ].filter(({ statements }) => statements.length > 0);
}

const SESSION = [
  `SET LOCAL citus.multi_shard_modify_mode TO 'sequential'`,
  `SET LOCAL citus.enable_unsafe_triggers TO 'on'`,
  `SET LOCAL check_function_bodies TO 'off'`,
  `SET LOCAL client_min_messages TO 'warning'`,
];

const triggersOf = ({ triggers }: Shape) => triggers.filter(({ table }) => isPlaced(table));
const referencesOf = ({ references }: Shape) => references.filter(({ table, target }) => isPlaced(table) || isPlaced(target));
const drop = ({ table, name }: Shape['references'][number]): string => `ALTER TABLE ${table} DROP CONSTRAINT ${name}`;
const holds = ({ name }: Shape['references'][number]): boolean => !REFERENCES_DROPPED.includes(name);

/** To the user as it was; within a shard by user and id; to a table on every node without the action that Citus does not carry out. */
function restored({ table, name, columns, target, targetColumns, actions }: Shape['references'][number]): string {
  const within = inShards.has(table) && inShards.has(target) && target !== 'users';
  const [own, theirs] = within
    ? [
        [byOf(table), ...columns],
        [byOf(target), ...targetColumns],
      ]
    : [columns, targetColumns];
  return `ALTER TABLE ${table} ADD CONSTRAINT ${name} FOREIGN KEY (${own.join(', ')}) REFERENCES ${target} (${theirs.join(', ')}) ${actions}`.trim();
}

function sequenced({ table, column }: Shape['identities'][number]): string[] {
  const sequence = `${table}_${column}_seq`;
  return [
    `ALTER TABLE ${table} ALTER ${column} DROP IDENTITY`,
    `CREATE SEQUENCE ${sequence}`,
    `SELECT setval('${sequence}', (SELECT coalesce(max(${column}), 0) + 1 FROM ${table}), false)`,
    `ALTER TABLE ${table} ALTER ${column} SET DEFAULT nextval('${sequence}')`,
  ];
}

function withUser(table: string): string[] {
  const { userOf, by = 'user_id' } = inShards.get(table) ?? {};
  if (userOf === undefined) return [];
  return [
    `ALTER TABLE ${table} ADD ${by} integer`,
    `UPDATE ${table} t SET ${by} = p.user_id FROM ${userOf.table} p WHERE p.id = t.${userOf.column}`,
    `ALTER TABLE ${table} ALTER ${by} SET NOT NULL`,
  ];
}

const lacksUser = ({ table, names }: Shape['keys'][number]): boolean => inShards.has(table) && !names.includes(byOf(table));

/** Statements of ours write the row beside the one that it belongs to, and name that alone: it is in the same shard. */
function userFound(table: string): string[] {
  const { userOf, by = 'user_id' } = inShards.get(table) ?? {};
  if (userOf === undefined) return [];
  const name = `${table}_find_user`;
  return [
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SELECT p.user_id INTO NEW.${by} FROM ${userOf.table} p WHERE p.id = NEW.${userOf.column}; RETURN NEW; END $$`,
    `CREATE TRIGGER ${name} BEFORE INSERT ON ${table} FOR EACH ROW WHEN (NEW.${by} IS NULL) EXECUTE FUNCTION ${name}()`,
  ];
}

/** Behind, so that who knows the id alone finds the row in a shard. What no shard can hold alone is found by the look-up table; the index stays, for those who ask by the value. */
function widened({ table, name, constraint, primary, columns, predicate }: Shape['keys'][number]): string[] {
  const where = predicate === null ? '' : ` WHERE ${predicate}`;
  const dropped = constraint ? `ALTER TABLE ${table} DROP CONSTRAINT ${name}` : `DROP INDEX ${name}`;
  if (primary) return [dropped, `ALTER TABLE ${table} ADD CONSTRAINT ${name} PRIMARY KEY (${columns}, ${byOf(table)})`];
  return [dropped, `CREATE INDEX ${name} ON ${table} (${columns})${where}`];
}

function lookups(): string[] {
  const values = [...inShards].flatMap(([table, { by, keys = {} }]) =>
    Object.values(keys).flatMap((key) => (key === 'widened' ? [] : [{ table, by, ...key }])),
  );
  const once = [...new Map(values.map((one) => [`${one.table} ${one.value}`, one])).values()];
  return [
    `CREATE TABLE ${LOOKUPS} (kind text NOT NULL, value text NOT NULL, user_id integer NOT NULL, CONSTRAINT ${LOOKUPS}_pkey PRIMARY KEY (kind, value))`,
    ...once.map(
      ({ table, by, lookup, value }) =>
        `INSERT INTO ${LOOKUPS} (kind, value, user_id) SELECT '${lookup}', ${value}, ${by} FROM ${table} WHERE ${value} IS NOT NULL`,
    ),
  ];
}

function distribute(table: string, shards: number): string {
  if (table === 'users') return `SELECT create_distributed_table('users', 'id', shard_count := ${shards}, colocate_with := 'none')`;
  return `SELECT create_distributed_table('${table}', '${byOf(table)}', colocate_with := 'users')`;
}

/** A row of a shard is of that shard's own type: the same function for whatever row, which only shards find. */
function forRowsOf({ functions }: Shape): string[] {
  const hasRow = (one: Shape['functions'][number]) => FUNCTIONS.some((name) => one.signature.startsWith(`${name}(`)) && ROW_ARGUMENT.test(one.definition);
  return functions.filter(hasRow).map(({ definition }) => definition.replace(ROW_ARGUMENT, '$1 anyelement').trim());
}

function functionsOf({ functions }: Shape): string[] {
  const named = (name: string) => functions.filter(({ signature }) => signature.startsWith(`${name}(`)).map(({ signature }) => signature);
  return FUNCTIONS.flatMap(named).sort((a, b) => rankOf(a) - rankOf(b) || b.length - a.length);
}
const rankOf = (signature: string): number => FUNCTIONS.indexOf(signature.replace(/\(.*/, ''));
