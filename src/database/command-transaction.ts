import { DataSource, type EntityManager } from 'typeorm';
import { type Connections, type SessionSpec } from './connections';
import { dataSourceOptions } from './data-source-options';
import { Transactions } from './transactions';

/**
 * Runs the work of an operator's command in one transaction, on a connection of its own with limits of its own.
 *
 * @param work is given the names of this release's migrations too; it may run several times, as any work of a transaction
 */
export async function inCommandTransaction<T>(
  connections: Connections,
  session: SessionSpec,
  work: (tx: EntityManager, migrations: string[]) => Promise<T>,
): Promise<T> {
  const dataSource = await new DataSource(dataSourceOptions(connections, 1, session)).initialize();
  try {
    const migrations = dataSource.migrations.map(({ name }) => name ?? '');
    return await new Transactions(dataSource).run((tx) => work(tx, migrations));
  } finally {
    await dataSource.destroy();
  }
}
