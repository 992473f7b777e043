import { type Client, type ClientConfig, Pool } from 'pg';
import { type ConnectionUrl, parseConnectionUrl } from './connection-url';
import { HealingClient } from './healing-client';
import { inspectServer } from './server-check';
import { sessionOptions, type SessionSettings, STATEMENT_TIMEOUT_MS } from './session';

export const CONNECT_TIMEOUT_MS = 5_000;
/** How much longer than the server the client waits for an answer. */
const GRACE_MS = 2_000;

export interface SessionSpec {
  /** As the server's views show it. */
  application: string;
  /** Ends a statement on the server; 0: never. Default: 10 s. */
  statementTimeoutMs?: number;
  /** How long the client waits for an answer. Default: 2 s more than the server takes. */
  answerTimeoutMs?: number;
  /** Settings besides those that every session has, or in their place. */
  settings?: SessionSettings;
}

export interface PoolSpec extends SessionSpec {
  /** Connections at most. */
  size: number;
}

/**
 * The one place where connections to the database are made. Always true: every session means the same by the same
 * statement, whatever the role, the database or the URL say.
 */
export class Connections {
  private constructor(
    private readonly url: ConnectionUrl,
    private readonly schema: string,
  ) {}

  /** @throws StartupError when the URL cannot be read, or the server cannot be reached, refuses us, or is too old */
  static async open(text: string): Promise<Connections> {
    const url = parseConnectionUrl(text);
    const { schema } = await inspectServer(url);
    return new Connections(url, schema);
  }

  /** A connection of its own, not yet connected. */
  client(spec: SessionSpec): Client {
    return new HealingClient(this.config(spec));
  }

  /** A pool that nobody but its maker uses and ends. A connection that died is dropped by it; the next statement opens another. */
  pool(spec: PoolSpec): Pool {
    const pool = new Pool({ ...this.config(spec), Client: HealingClient, max: spec.size });
    pool.on('error', () => undefined);
    return pool;
  }

  /** What pg takes; also as `extra` of TypeORM's options. */
  config({ application, statementTimeoutMs = STATEMENT_TIMEOUT_MS, answerTimeoutMs, settings }: SessionSpec): ClientConfig {
    const wait = answerTimeoutMs ?? (statementTimeoutMs === 0 ? 0 : statementTimeoutMs + GRACE_MS);
    const [server] = this.url.servers;
    return {
      ...this.url.login,
      ...server,
      application_name: application,
      client_encoding: 'UTF8',
      options: sessionOptions(this.url.options, this.schema, { statement_timeout: statementTimeoutMs, ...settings }),
      query_timeout: wait,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    };
  }
}
