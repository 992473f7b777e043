import { DataSource, type QueryRunner, type ReplicationMode } from 'typeorm';
import { retried } from './retry';

/** A data source whose single statements, each a transaction of its own, are sent again like whole transactions are. */
export class RetryingDataSource extends DataSource {
  override createQueryRunner(mode?: ReplicationMode): QueryRunner {
    const runner = super.createQueryRunner(mode);
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    const resent = (...args: unknown[]) => (runner.isTransactionActive ? query(...args) : retried(() => query(...args)));
    return Object.assign(runner, { query: resent });
  }
}
