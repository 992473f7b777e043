import { StartupError } from '../config/startup-error';
import { type Connections, type SessionSpec } from './connections';

const SESSION: SessionSpec = { application: 'quotidian' };

/**
 * This release can lay its tables out over a cluster, and does not serve from one. Found by the table that the plan makes, which is there
 * whatever the cluster is.
 *
 * @throws StartupError
 */
export async function refuseCluster(connections: Connections): Promise<void> {
  const client = connections.client(SESSION);
  await client.connect();
  try {
    const { rows } = await client.query<{ distributed: boolean }>(`SELECT to_regclass('cluster_lookups') IS NOT NULL AS distributed`);
    if (rows[0]?.distributed)
      throw new StartupError('The tables of this database are distributed over a cluster, and this release does not serve from one: see docs/scale.md.');
  } finally {
    await client.end();
  }
}
