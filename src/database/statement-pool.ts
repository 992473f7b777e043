import { type OnApplicationShutdown } from '@nestjs/common';
import { type Pool, type PoolClient, type QueryConfig, type QueryResultRow } from 'pg';
import { type Connections, type PoolSpec } from './connections';
import { prepared, type PreparedStatement } from './prepared-statements';
import { retried } from './retry';
import { STABLE_PLANS } from './session';

const NOTIFY = prepared('notify', 'SELECT pg_notify($1, part) FROM unnest($2::text[]) AS part');

/** Runs a prepared statement: on any connection, or within a transaction. */
export type Run = <Row extends QueryResultRow>(statement: PreparedStatement, values: unknown[]) => Promise<Row[]>;

/**
 * Connections for the few large statements that run all the time: planning one of them takes longer than running it, so
 * they are prepared. Opened when they are first needed. What is rolled back for another transaction's sake is sent again.
 */
export class StatementPool implements OnApplicationShutdown {
  private readonly pool: Pool;

  constructor(connections: Connections, { settings, ...spec }: PoolSpec) {
    this.pool = connections.pool({ ...spec, settings: { ...STABLE_PLANS, ...settings } });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }

  readonly run: Run = (statement, values) => retried(() => this.runOnce(statement, values));

  /** For those who know better when to try again. */
  readonly runOnce: Run = async ({ name, text, rowMode }, values) => (await this.pool.query({ name, text, values, rowMode } as QueryConfig)).rows as never;

  /** Notifies whoever listens on the channel, once for each payload. */
  async notify(channel: string, payloads: string[]): Promise<void> {
    await this.run(NOTIFY, [channel, payloads]);
  }

  /**
   * Several statements in one transaction: each sees what was committed before it began.
   *
   * @param work may run several times: nothing but what it writes to the database may be left of it
   */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    return retried(() => this.transactionOnce(work));
  }

  /** For those who know better when to try again. */
  async transactionOnce<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const answer = await work(async ({ name, text, rowMode }, values) => (await client.query({ name, text, values, rowMode } as QueryConfig)).rows as never);
      await client.query('COMMIT');
      client.release();
      return answer;
    } catch (error) {
      await this.abandon(client);
      throw error;
    }
  }

  private async abandon(client: PoolClient): Promise<void> {
    const broken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    );
    client.release(broken);
  }
}
