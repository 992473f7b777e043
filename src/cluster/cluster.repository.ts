import { type EntityManager } from 'typeorm';

export interface ClusterFacts {
  /** Null: the extension is not installed in this database. */
  extension: string | null;
  distributedTables: number;
  shards: number;
}

export interface NodeState {
  /** `host:port`, as the coordinator calls it. */
  node: string;
  reachable: boolean;
  /** Whether tables of ours are there though nothing of them was distributed from here. */
  occupied: boolean;
}

/** What the catalogs hold of our tables, as far as a distribution changes it. */
export interface Shape {
  tables: string[];
  migrations: string[];
  /** Processes of the service that are connected. */
  replicas: number;
  keys: { table: string; name: string; constraint: boolean; primary: boolean; columns: string; names: string[]; predicate: string | null }[];
  references: { table: string; name: string; target: string; columns: string[]; targetColumns: string[]; actions: string }[];
  triggers: { table: string; name: string; definition: string }[];
  /** Columns that count up by an identity. */
  identities: { table: string; column: string; type: string }[];
  views: { name: string; definition: string }[];
  /** By name and argument types, each with its text. */
  functions: { signature: string; definition: string }[];
  /** Quoted. */
  database: string;
}

const SHAPE = `
SELECT
  ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = s.oid AND c.relkind IN ('r', 'p') AND NOT c.oid IN (SELECT d.objid FROM pg_depend d WHERE d.deptype = 'e') ORDER BY 1) AS tables,
  ARRAY(SELECT name::text FROM migrations ORDER BY 1) AS migrations,
  (SELECT count(*)::integer FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quotidian listen') AS replicas,
  (SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', i.relname, 'constraint', k.oid IS NOT NULL, 'primary', x.indisprimary,
     'columns', (SELECT string_agg(pg_get_indexdef(x.indexrelid, n, true), ', ' ORDER BY n) FROM generate_series(1, x.indnkeyatts) n),
     'names', ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey)),
     'predicate', pg_get_expr(x.indpred, x.indrelid)) ORDER BY i.relname), '[]')
   FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u')
   WHERE x.indisunique AND c.relnamespace = s.oid) AS keys,
  (SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', k.conname, 'target', t.relname,
     'columns', ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)),
     'targetColumns', ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)),
     'actions', CASE k.confdeltype WHEN 'c' THEN 'ON DELETE CASCADE' WHEN 'n' THEN 'ON DELETE SET NULL' ELSE '' END) ORDER BY k.conname), '[]')
   FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid WHERE k.contype = 'f' AND c.relnamespace = s.oid) AS "references",
  (SELECT coalesce(json_agg(json_build_object('table', c.relname, 'name', t.tgname, 'definition', pg_get_triggerdef(t.oid)) ORDER BY t.tgname), '[]')
   FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relnamespace = s.oid) AS triggers,
  (SELECT coalesce(json_agg(json_build_object('table', c.relname, 'column', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY 1), '[]')
   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attidentity <> '' AND NOT a.attisdropped AND c.relnamespace = s.oid) AS identities,
  (SELECT coalesce(json_agg(json_build_object('name', c.relname, 'definition', pg_get_viewdef(c.oid)) ORDER BY c.relname), '[]')
   FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace = s.oid AND NOT c.oid IN (SELECT d.objid FROM pg_depend d WHERE d.deptype = 'e')) AS views,
  (SELECT coalesce(json_agg(json_build_object('signature', p.oid::regprocedure::text, 'definition', pg_get_functiondef(p.oid)) ORDER BY p.oid), '[]')
   FROM pg_proc p WHERE p.pronamespace = s.oid AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
     AND NOT p.oid IN (SELECT d.objid FROM pg_depend d WHERE d.deptype = 'e')) AS functions,
  quote_ident(current_database()) AS database
FROM pg_namespace s WHERE s.nspname = current_schema()`;

/** Questions about a cluster and about what would be distributed, by catalogs. */
export class ClusterRepository {
  constructor(private readonly manager: EntityManager) {}

  async facts(): Promise<ClusterFacts> {
    const [found] = await this.manager.query<{ extension: string }[]>(`SELECT extversion AS extension FROM pg_extension WHERE extname = 'citus'`);
    if (found === undefined) return { extension: null, distributedTables: 0, shards: 0 };
    const [counts] = await this.manager.query<[Omit<ClusterFacts, 'extension'>]>(
      `SELECT (SELECT count(*)::integer FROM pg_dist_partition) AS "distributedTables", (SELECT count(*)::integer FROM pg_dist_shard) AS shards`,
    );
    return { ...found, ...counts };
  }

  /** Of the nodes that hold shards, or may. One that does not answer is found so within the time that a statement may take. */
  nodes(): Promise<NodeState[]> {
    return this.manager.query(
      `WITH node AS MATERIALIZED (
         SELECT nodename, nodeport, citus_check_connection_to_node(nodename, nodeport) AS reachable FROM pg_dist_node WHERE groupid <> 0 AND noderole = 'primary' AND isactive
       ), asked AS MATERIALIZED (
         SELECT n.nodename, n.nodeport, r.result FROM (SELECT array_agg(nodename) AS names, array_agg(nodeport) AS ports, count(*) AS count FROM node WHERE reachable) a
         CROSS JOIN LATERAL master_run_on_worker(a.names, a.ports, array_fill('SELECT to_regclass(''users'') IS NOT NULL'::text, ARRAY[a.count::integer]), true) r
         JOIN node n ON n.nodename = r.node_name AND n.nodeport = r.node_port WHERE a.count > 0
       ) SELECT format('%s:%s', n.nodename, n.nodeport) AS node, n.reachable, coalesce(a.result = 't', false) AS occupied
       FROM node n LEFT JOIN asked a USING (nodename, nodeport) ORDER BY 1`,
    );
  }

  async shape(): Promise<Shape> {
    const [shape] = await this.manager.query<[Shape]>(SHAPE);
    return shape;
  }

  /** Where each table is: `user` by its column, `reference`, or absent where it is local. */
  async placed(): Promise<Map<string, string>> {
    const rows = await this.manager.query<{ table: string; place: string }[]>(
      `SELECT c.relname AS table, CASE p.partmethod WHEN 'h' THEN 'user' WHEN 'n' THEN 'reference' ELSE p.partmethod::text END AS place
       FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid`,
    );
    return new Map(rows.map(({ table, place }) => [table, place]));
  }
}
