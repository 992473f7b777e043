import { type EntityManager } from 'typeorm';
import { type CellParts, ownTablesOfCells, type ShardGroup } from './cell.sql';

const GROUPS = `
WITH placed AS (
  SELECT t.relname AS "table", p.partmethod AS method, s.shardminvalue::bigint AS begins, quote_ident(n.nspname) || '.' || quote_ident(t.relname || '_' || s.shardid) AS relation, d.nodename, d.nodeport
  FROM pg_dist_partition p JOIN pg_class t ON t.oid = p.logicalrelid JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_dist_shard s ON s.logicalrelid = p.logicalrelid JOIN pg_dist_placement l ON l.shardid = s.shardid
  JOIN pg_dist_node d ON d.groupid = l.groupid AND d.noderole = 'primary'
  WHERE p.partmethod = 'n' OR p.colocationid = (SELECT colocationid FROM pg_dist_partition WHERE logicalrelid = 'users'::regclass)
), everywhere AS (SELECT DISTINCT "table", relation FROM placed WHERE method = 'n')
SELECT (row_number() OVER (ORDER BY g.begins))::integer - 1 AS number, g.nodename AS host, g.nodeport AS port,
  g.relations || (SELECT coalesce(jsonb_object_agg("table", relation), '{}') FROM everywhere) AS relations
FROM (SELECT begins, nodename, nodeport, jsonb_object_agg("table", relation) AS relations FROM placed WHERE method = 'h' GROUP BY 1, 2, 3) g
ORDER BY 1`;

/** Where shards stand, and what their cells are made of. */
export class CellsRepository {
  constructor(private readonly manager: EntityManager) {}

  groups(): Promise<ShardGroup[]> {
    return this.manager.query(GROUPS);
  }

  /** What is counted by integers no worker has a range for that is worth having: accounts, keys and grants are made through the coordinator. */
  async counted(): Promise<CellParts['counted']> {
    return this.manager.query(
      `SELECT c.relname AS "table", a.attname AS "column", s.relname AS sequence
       FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum JOIN pg_class c ON c.oid = d.adrelid
       JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass
       JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
       WHERE c.relnamespace = current_schema()::regnamespace AND a.atttypid = 'bigint'::regtype ORDER BY 1, 2`,
    );
  }

  /** As the cluster itself would make them. */
  async locals(): Promise<CellParts['locals']> {
    const rows = await this.manager.query<{ table: string; statement: string }[]>(
      `SELECT t AS "table", e AS statement FROM unnest($1::text[]) WITH ORDINALITY u(t, n) CROSS JOIN LATERAL master_get_table_ddl_events(t) WITH ORDINALITY x(e, m)
       WHERE e NOT LIKE 'ALTER TABLE % OWNER TO %' AND e NOT LIKE 'GRANT %' AND e NOT LIKE '%CREATE TRIGGER%' ORDER BY n, m`,
      [ownTablesOfCells()],
    );
    return ownTablesOfCells().map((table) => ({ table, statements: rows.filter((row) => row.table === table).map(({ statement }) => statement) }));
  }

  types(): Promise<CellParts['types']> {
    return this.manager.query(
      `SELECT c.relname AS name, string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE c.relkind = 'c' AND c.relnamespace = current_schema()::regnamespace GROUP BY 1 ORDER BY 1`,
    );
  }

  async sequences(): Promise<string[]> {
    const rows = await this.manager.query<{ name: string }[]>(
      `SELECT c.relname AS name FROM pg_class c WHERE c.relkind = 'S' AND c.relnamespace = current_schema()::regnamespace
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
         AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = c.oid AND d.classid = 'pg_attrdef'::regclass) ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  }

  async schema(): Promise<string> {
    const [{ schema }] = await this.manager.query<[{ schema: string }]>(`SELECT quote_ident(current_schema()) AS schema`);
    return schema;
  }

  /** One statement on one worker. @returns why it failed; null: it did not */
  async run({ host, port }: Pick<ShardGroup, 'host' | 'port'>, statement: string): Promise<string | null> {
    const [row] = await this.manager.query<[{ success: boolean; result: string }]>(
      `SELECT success, result FROM master_run_on_worker(ARRAY[$1::text], ARRAY[$2::integer], ARRAY[$3::text], false)`,
      [host, port, statement],
    );
    return row.success ? null : row.result;
  }
}
