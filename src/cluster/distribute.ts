import { StartupError } from '../config/startup-error';
import { inCommandTransaction } from '../database/command-transaction';
import { type Connections, type SessionSpec } from '../database/connections';
import { type ClusterFacts, ClusterRepository, type NodeState, type Shape } from './cluster.repository';
import { distributionOf, type Step } from './distribution.sql';
import { PLACEMENT } from './placement';

/** Moving all rows takes as long as there are rows; a lock that somebody holds is not waited for long, since everybody queues behind. */
const SESSION: SessionSpec = {
  application: 'quotidian distribute',
  statementTimeoutMs: 0,
  settings: { lock_timeout: 5_000, idle_in_transaction_session_timeout: 0 },
};

export interface Distribution {
  steps: Step[];
  workers: string[];
}

/**
 * Makes a plan of the distribution, and carries it out in one transaction: it is done as a whole or not at all.
 *
 * @param dryRun nothing but the plan; needs neither the extension nor workers
 * @throws StartupError why it cannot be, in one line
 */
export async function distribute(connections: Connections, shards: number, dryRun: boolean): Promise<Distribution> {
  const { sessions } = connections;
  if (sessions === null) throw new StartupError('DATABASE_URL leads to a pooler, and this needs a session: set DATABASE_DIRECT_URL to the coordinator itself.');
  return inCommandTransaction(sessions, SESSION, async (tx, known) => {
    const cluster = new ClusterRepository(tx);
    const facts = await cluster.facts();
    if (facts.distributedTables > 0) throw new StartupError(describeTwice(facts));
    const shape = await shapeOf(cluster);
    const reason = whyNotOf(shape, known);
    if (reason !== null) throw new StartupError(reason);
    const steps = distributionOf(shape, shards);
    if (dryRun) return { steps, workers: [] };
    const nodes = facts.extension === null ? [] : await cluster.nodes();
    const refusal = whyNotThere(facts, nodes, shape.replicas);
    if (refusal !== null) throw new StartupError(refusal);
    for (const { statements } of steps) for (const statement of statements) await tx.query(statement);
    return { steps, workers: nodes.map(({ node }) => node) };
  });
}

async function shapeOf(cluster: ClusterRepository): Promise<Shape> {
  try {
    return await cluster.shape();
  } catch (error) {
    if ((error as { code?: string }).code !== '42P01') throw error;
    throw new StartupError('The database is empty: run `quotidian migrate` first.');
  }
}

const describeTwice = ({ distributedTables, shards }: ClusterFacts): string =>
  `The database is distributed already: ${distributedTables} tables, ${shards} shards. Nothing was changed.`;

/** Why this database cannot be distributed by this release; null: it can. */
export function whyNotOf({ tables, migrations }: Shape, known: readonly string[]): string | null {
  const missing = known.filter((name) => !migrations.includes(name));
  const newer = migrations.filter((name) => !known.includes(name));
  if (newer.length > 0) return `The database is ${newer.length} migrations ahead of this release: distribute it with the release that migrated it.`;
  if (missing.length > 0) return `${missing.length} migrations have not run: run \`quotidian migrate\` first.`;
  const foreign = tables.filter((table) => table !== 'migrations' && !(table in PLACEMENT));
  return foreign.length > 0 ? `Of these tables this release does not know where they belong: ${foreign.join(', ')}. Move them to a schema of their own.` : null;
}

/** Why there is nothing to distribute it over; null: there is. */
export function whyNotThere({ extension }: ClusterFacts, nodes: readonly NodeState[], replicas: number): string | null {
  if (extension === null) return 'The database has no extension citus: install it on every node, and CREATE EXTENSION citus in this database on each.';
  if (nodes.length === 0) return 'The cluster has no worker: SELECT citus_add_node(host, port) for each, on the coordinator.';
  const away = nodes.filter(({ reachable }) => !reachable).map(({ node }) => node);
  if (away.length > 0) return `The coordinator does not reach ${away.join(', ')}: bring it back, or remove it by citus_remove_node. Nothing was changed.`;
  const occupied = nodes.filter((node) => node.occupied).map(({ node }) => node);
  if (occupied.length > 0)
    return `There are users on ${occupied.join(', ')} already: a worker of another cluster, or a server of its own. Nothing was changed.`;
  return replicas > 0 ? `${replicas} processes of the service are connected: stop them first. Nothing was changed.` : null;
}
