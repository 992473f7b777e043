import { type ClusterRepository } from '../cluster/cluster.repository';
import { PLACEMENT } from '../cluster/placement';
import { failure, type Finding, ok, warning } from './finding';

/** Whether the database is distributed, and if so whether its workers answer and each table is where it is declared to be. */
export async function clusterFindings(cluster: ClusterRepository): Promise<Finding[]> {
  const { extension, distributedTables, shards } = await cluster.facts();
  if (distributedTables === 0) return [ok('cluster', extension === null ? 'none: one server' : `Citus ${extension} is there, and nothing is distributed`)];
  const [nodes, placed] = await Promise.all([cluster.nodes(), cluster.placed()]);
  const away = nodes.filter(({ reachable }) => !reachable).map(({ node }) => node);
  const strays = Object.entries(PLACEMENT).filter(([table, { place }]) => (placed.get(table) ?? 'local') !== place);
  return [
    warning(
      'cluster',
      `${distributedTables} tables are distributed over ${nodes.length} workers and ${shards} shards, and this release does not serve from that`,
      'quotidian cluster:distribute --dry-run',
    ),
    ...away.map((node) => failure('cluster', `worker ${node} does not answer: its users have nothing`, `pg_isready -d postgres://${node}`)),
    ...strays.map(([table, { place }]) =>
      failure('cluster', `${table} is ${placed.get(table) ?? 'local'}, not ${place}`, 'quotidian cluster:distribute --dry-run'),
    ),
  ];
}
