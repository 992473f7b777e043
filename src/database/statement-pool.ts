import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import { CONNECT_TIMEOUT_MS, SESSION } from './data-source-options';
import { DATABASE_URL } from './database.tokens';
import { HealingClient } from './healing-client';

/** Plans that were made while the tables were small stay right when they have grown. */
const PLANNER = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off';
const CONNECTIONS = 3;
const ANSWER_TIMEOUT_MS = 12_000;

/** A statement that every connection plans once, under its name. */
export interface PreparedStatement {
  name: string;
  text: string;
}

const NOTIFY: PreparedStatement = { name: 'notify', text: 'SELECT pg_notify($1, part) FROM unnest($2::text[]) AS part' };

/** Runs a prepared statement: on any connection, or within a transaction. */
export type Run = <Row extends QueryResultRow>(statement: PreparedStatement, values: unknown[]) => Promise<Row[]>;

/**
 * Connections for the few large statements that run all the time: planning one of them takes longer than running it, so
 * they are prepared. Opened when they are first needed.
 */
@Injectable()
export class StatementPool implements OnApplicationShutdown {
  private readonly pool: Pool;

  constructor(@Inject(DATABASE_URL) url: string) {
    this.pool = new Pool({
      Client: HealingClient,
      connectionString: url,
      application_name: 'quotidian work',
      max: CONNECTIONS,
      options: `${SESSION} ${PLANNER}`,
      query_timeout: ANSWER_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    // A connection that died is dropped by the pool; the next statement opens another.
    this.pool.on('error', () => undefined);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }

  readonly run: Run = async ({ name, text }, values) => (await this.pool.query({ name, text, values })).rows as never;

  /** Notifies whoever listens on the channel, once for each payload. */
  async notify(channel: string, payloads: string[]): Promise<void> {
    await this.run(NOTIFY, [channel, payloads]);
  }

  /** Several statements in one transaction: each sees what was committed before it began. */
  async transaction<T>(work: (run: Run) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const answer = await work(async ({ name, text }, values) => (await client.query({ name, text, values })).rows as never);
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
