import { StartupError } from '../config/startup-error';
import { inCommandTransaction } from '../database/command-transaction';
import { type Connections, type SessionSpec } from '../database/connections';
import { ClusterRepository } from './cluster.repository';
import { atOnce, cellName, cellOf, type CellParts, type ShardGroup } from './cell.sql';
import { CellsRepository } from './cells.repository';

const SESSION: SessionSpec = { application: 'quotidian cells', statementTimeoutMs: 60_000 };

/** What cells of this database are made of. */
export async function partsOf(cluster: ClusterRepository, cells: CellsRepository): Promise<CellParts> {
  const { functions, views, migrations } = await cluster.shape();
  const schema = await cells.schema();
  const counted = await cells.counted();
  const locals = await cells.locals();
  const types = await cells.types();
  const sequences = await cells.sequences();
  return { functions, views, migrations, schema, counted, locals, types, sequences };
}

/**
 * Makes the cell of each shard group on the worker that has it, one after the other; may be done again, and is to be after shards were moved.
 *
 * @returns what was made, in order of the groups
 * @throws StartupError why it cannot be, in one line
 */
export async function makeCells(connections: Connections): Promise<{ cell: string; group: ShardGroup }[]> {
  const { sessions } = connections;
  if (sessions === null) throw new StartupError('DATABASE_URL leads to a pooler, and this needs a session: set DATABASE_DIRECT_URL to the coordinator itself.');
  return inCommandTransaction(sessions, SESSION, async (tx) => {
    const [cluster, cells] = [new ClusterRepository(tx), new CellsRepository(tx)];
    const { distributedTables } = await cluster.facts();
    if (distributedTables === 0) throw new StartupError('The database is not distributed: run `quotidian cluster:distribute` first.');
    const parts = await partsOf(cluster, cells);
    const groups = await cells.groups();
    for (const group of groups) {
      const failed = await cells.run(group, atOnce(cellOf(group, parts)));
      if (failed !== null) throw new StartupError(`${cellName(group)} could not be made on ${group.host}:${group.port}: ${failed}`);
    }
    return groups.map((group) => ({ cell: cellName(group), group }));
  });
}
