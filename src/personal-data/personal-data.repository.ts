import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type ExportedTable, selectedOf } from './exported-table';

/** A batch ends behind the row that makes it longer than this, or with so many rows: what is in memory of an export. */
const BATCH_BYTES = 1_000_000;
const BATCH_ROWS = 200;

/** Where a row stands in the order of its table. */
type Position = string[];

/**
 * Reads what is stored of a user, a batch at a time by the order of an index. Each batch is a statement of its own: between two of
 * them nothing is held. Crosses into the tables that are exported, and writes none.
 */
@Injectable()
export class PersonalDataRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The last of the user's rows; null: there is none. */
  async last(table: ExportedTable, userId: number, reader: EntityManager = this.dataSource.manager): Promise<Position | null> {
    const { from, key, order } = partsOf(table);
    const rows: { position: Position }[] = await reader.query(
      `SELECT ${key} AS position FROM ${from('true', order('DESC'), 1)} ORDER BY ${order('DESC')} LIMIT 1`,
      [userId],
    );
    return rows[0]?.position ?? null;
  }

  /** The rows after a position and up to another, as JSON texts; none: there are no more. */
  async batch(
    table: ExportedTable,
    userId: number,
    after: Position | null,
    last: Position,
    reader: EntityManager = this.dataSource.manager,
  ): Promise<{ json: string; position: Position }[]> {
    const { from, key, order, row, placed } = partsOf(table);
    const values: unknown[] = [userId, ...last];
    const upTo = `${row} <= ${placed(2)}`;
    const between = after === null ? upTo : `${upTo} AND ${row} > ${placed(values.length + 1)}`;
    if (after !== null) values.push(...after);
    return reader.query(
      `SELECT * FROM (
         SELECT position, CASE WHEN coalesce(sum(octet_length(json)) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) < ${BATCH_BYTES} THEN json END AS json
         FROM (
           SELECT ${key} AS position, (SELECT row_to_json(x)::text FROM (SELECT ${selectedOf(table)}) x) AS json, row_number() OVER (ORDER BY ${order('ASC')}) AS n
           FROM ${from(between, order('ASC'), BATCH_ROWS)} ORDER BY ${order('ASC')} LIMIT ${BATCH_ROWS}
         ) rows ORDER BY n
       ) batch WHERE json IS NOT NULL`,
      values,
    );
  }
}

function partsOf({ table, where = 't.user_id = $1', of, order: columns }: ExportedTable) {
  return {
    /** The user's rows that meet a condition. Of each row that they belong to, no more are read than are asked for. */
    from: (condition: string, order: string, count: number) =>
      of === undefined
        ? `${table} t WHERE ${where} AND ${condition}`
        : `${of.table} o CROSS JOIN LATERAL (
             SELECT * FROM ${table} t WHERE t.${of.column} = o.id AND ${condition} ORDER BY ${order} LIMIT ${count}
           ) t WHERE o.user_id = $1`,
    key: `ARRAY[${columns.map(([column]) => `t.${column}::text`).join(', ')}]`,
    order: (direction: 'ASC' | 'DESC') => columns.map(([column]) => `t.${column} ${direction}`).join(', '),
    row: `(${columns.map(([column]) => `t.${column}`).join(', ')})`,
    placed: (first: number) => `(${columns.map(([, type], i) => `$${first + i}::${type}`).join(', ')})`,
  };
}
