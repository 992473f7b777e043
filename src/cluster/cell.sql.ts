import { type Shape } from './cluster.repository';
import { PLACEMENT, placementOf } from './placement';

/** The shards of some users that stand together on one worker: one of each table. */
export interface ShardGroup {
  number: number;
  host: string;
  port: number;
  /** Where the rows of each table are, schema and all: shards of users, and the worker's own copy of what is on every node. */
  relations: Readonly<Record<string, string>>;
}

/** What a cell is made of beside its shards. */
export interface CellParts extends Pick<Shape, 'functions' | 'views' | 'migrations'> {
  /** The schema that tables, functions and views are in. */
  schema: string;
  /** Columns that count up by a sequence that every worker has a range of. */
  counted: { table: string; column: string; sequence: string }[];
  /** Rows that functions answer with. */
  types: { name: string; columns: string }[];
  /** What counts up by itself, and is no column's. */
  sequences: string[];
  /** The tables that stay on the coordinator, as statements that make them. */
  locals: { table: string; statements: string[] }[];
}

export const cellName = ({ number }: Pick<ShardGroup, 'number'>): string => `quotidian_cell_${number}`;

/**
 * The cell of a shard group: a schema on its worker in which tables, functions and views have the names that statements of ours use. So a
 * session that is there runs each of them as it is, on plain tables, and Citus has no part in it.
 *
 * Views lead to shards. What one order over all users needs (events, the audit log) a cell has tables of its own for, to be collected from.
 * All of it may be made again: after a release, and where shards were moved.
 */
export function cellOf(group: ShardGroup, parts: CellParts): string[] {
  const cell = cellName(group);
  const inCell = (text: string) => text.replace(new RegExp(`\\b(TABLE|ON|FUNCTION) ${parts.schema}\\.`, 'g'), `$1 ${cell}.`);
  return [
    `CREATE SCHEMA IF NOT EXISTS ${cell}`,
    `SELECT set_config('search_path', '${cell}, ${parts.schema}', true), set_config('check_function_bodies', 'off', true)`,
    ...Object.keys(PLACEMENT).flatMap((table) => viewOf(cell, table, group)),
    ...parts.counted.filter(({ table }) => placementOf(table) === 'user').map((one) => countedBy(cell, one, parts.schema)),
    ...parts.locals.flatMap(({ table, statements }) => statements.map((statement) => ifLacking(`${cell}.${table}`, inCell(statement)))),
    ...refusals(cell),
    ...parts.sequences.map((name) => `CREATE SEQUENCE IF NOT EXISTS ${cell}.${name}`),
    ...parts.types.map(({ name, columns }) => ifLacking(`${cell}.${name}`, `CREATE TYPE ${cell}.${name} AS (${columns})`)),
    // The release that made the cell, as a process that is started on it asks for it.
    `CREATE TABLE IF NOT EXISTS ${cell}.migrations (id integer GENERATED ALWAYS AS IDENTITY, timestamp bigint NOT NULL, name varchar NOT NULL)`,
    ...parts.migrations.map((name) => `INSERT INTO ${cell}.migrations (timestamp, name) SELECT ${stamped(name)} WHERE NOT EXISTS (${migrated(cell, name)})`),
    ...parts.functions.filter(({ signature }) => !signature.includes('anyelement')).map(({ definition }) => inCell(definition)),
    ...parts.views.map(({ name, definition }) => `CREATE OR REPLACE VIEW ${cell}.${name} AS ${definition.replace(/;\s*$/, '')}`),
  ];
}

/** As one statement, which a worker carries out as a whole or not at all, and which nobody passes on to the other nodes. */
export function atOnce(statements: readonly string[]): string {
  const lines = statements.map((statement) => `EXECUTE ${literal(statement)};`);
  return `DO ${literal(`BEGIN PERFORM set_config('citus.enable_ddl_propagation', 'off', true);\n${lines.join('\n')}\nEND`)}`;
}

function viewOf(cell: string, table: string, { relations }: ShardGroup): string[] {
  const relation = relations[table];
  return relation === undefined ? [] : [`CREATE OR REPLACE VIEW ${cell}.${table} AS SELECT * FROM ${relation}`];
}

/** A change of what is on every node reaches the other nodes through the coordinator alone. */
function refusals(cell: string): string[] {
  const name = 'refuse_change_in_cell';
  const raise = `RAISE EXCEPTION '% is on every node: change it through the coordinator', TG_TABLE_NAME USING ERRCODE = 'feature_not_supported'`;
  return [
    `CREATE OR REPLACE FUNCTION ${cell}.${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${raise}; END $$`,
    ...Object.keys(PLACEMENT)
      .filter((table) => placementOf(table) === 'reference')
      .map(
        (table) =>
          `CREATE OR REPLACE TRIGGER ${name} INSTEAD OF INSERT OR UPDATE OR DELETE ON ${cell}.${table} FOR EACH ROW EXECUTE FUNCTION ${cell}.${name}()`,
      ),
  ];
}

const countedBy = (cell: string, { table, column, sequence }: CellParts['counted'][number], schema: string): string =>
  `ALTER VIEW ${cell}.${table} ALTER ${column} SET DEFAULT nextval('${schema}.${sequence}')`;

/** What a cell has of events and the like is not made anew over them. An index follows its table. */
const ifLacking = (table: string, statement: string): string =>
  `DO ${literal(`BEGIN IF ${made(table, statement)} THEN EXECUTE ${literal(statement)}; END IF; END`)}`;

function made(table: string, statement: string): string {
  const index = /^CREATE (?:UNIQUE )?INDEX (\w+)/.exec(statement)?.[1] ?? /ADD CONSTRAINT (\w+)/.exec(statement)?.[1];
  const schema = table.replace(/\..*/, '');
  return `to_regclass('${index === undefined ? table : `${schema}.${index}`}') IS NULL`;
}

const stamped = (name: string): string => `${/\d{13}$/.exec(name)?.[0] ?? '0'}, '${name}'`;
const migrated = (cell: string, name: string): string => `SELECT FROM ${cell}.migrations m WHERE m.name = '${name}'`;
const literal = (text: string): string => `'${text.replace(/'/g, "''")}'`;

/** Tables that it has of its own. */
export const ownTablesOfCells = (): string[] => Object.keys(PLACEMENT).filter((table) => placementOf(table) === 'local');
