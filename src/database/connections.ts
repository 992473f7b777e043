import { type OnApplicationShutdown } from '@nestjs/common';
import { type Client, Pool } from 'pg';
import { StartupError } from '../config/startup-error';
import { type ConnectionUrl, parseConnectionUrl } from './connection-url';
import { HealingClient, type HealingConfig } from './healing-client';
import { Primary } from './primary';
import { firstServer } from './server-check';
import { type ObservedServer } from './server-probe';
import { clockedPath, sessionOptions, type SessionSettings, STATEMENT_TIMEOUT_MS, transactionPins } from './session';

export const CONNECT_TIMEOUT_MS = 5_000;
/** How much longer than the server the client waits for an answer. */
const GRACE_MS = 2_000;

export interface OpenOptions {
  /** A way around the pooler that the URL leads to. */
  directUrl?: string;
  /** Files that hold the two URLs: their passwords are read anew for each connection. */
  file?: string;
  directFile?: string;
  /** Where our tables are, whatever the role's path. Default: found by looking. */
  schema?: string;
  /** Whether sessions go by the database's test clock. */
  testClock?: boolean;
}

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
 * statement, whatever the role, the database or the URL set; and all lead to one server, which takes writes.
 */
export class Connections implements OnApplicationShutdown {
  private constructor(
    private readonly url: ConnectionUrl,
    /** Where our tables are. */
    readonly schema: string,
    private readonly primary: Primary,
    /** Where `DATABASE_DIRECT_URL` leads. */
    private readonly direct: Connections | null,
    /** Whether its sessions go by the database's test clock. */
    readonly testClock = false,
  ) {}

  /** @throws StartupError when the URL cannot be read, or the server cannot be reached, refuses us, or is too old, or the two URLs do not belong together */
  static async open(text: string, { directUrl, schema: wanted, file, directFile, testClock = false }: OpenOptions = {}): Promise<Connections> {
    const url = parseConnectionUrl(text, 'DATABASE_URL', file);
    const first = await firstServer(url, CONNECT_TIMEOUT_MS, 'DATABASE_URL', wanted);
    const schema = wanted ?? first.schema;
    const direct = directUrl === undefined ? null : await Connections.openDirect(directUrl, schema, first, { file: directFile, testClock });
    return new Connections(url, schema, new Primary(url, first), direct, testClock);
  }

  private static async openDirect(text: string, schema: string, other: ObservedServer, { file, testClock }: OpenOptions): Promise<Connections> {
    const url = parseConnectionUrl(text, 'DATABASE_DIRECT_URL', file);
    const first = await firstServer(url, CONNECT_TIMEOUT_MS, 'DATABASE_DIRECT_URL');
    if (!first.acceptsOptions) throw new StartupError('DATABASE_DIRECT_URL leads to a pooler too: name the PostgreSQL server itself.');
    if (first.database !== other.database || first.startedAt !== other.startedAt) {
      throw new StartupError('DATABASE_DIRECT_URL leads to another server or database than DATABASE_URL.');
    }
    return new Connections(url, schema, new Primary(url, first, true), null, testClock);
  }

  /** From now on the server is left when it turns read-only or silent, and another one looked for. */
  watch(): void {
    this.primary.watch();
    this.direct?.watch();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.primary.stop();
    await this.direct?.onApplicationShutdown();
  }

  /** Connections that are sessions of their own, for LISTEN and session locks; null: there is a pooler, and no way around it. */
  get sessions(): Connections | null {
    return this.direct ?? (this.pooled ? null : this);
  }

  /** Whether a pooler stands before the server, which lends a session for a transaction only. */
  get pooled(): boolean {
    return this.primary.pooled;
  }

  /** Why there is no connection to be had; null while there is a server that takes writes. */
  get problem(): string | null {
    return this.primary.problem;
  }

  /** A connection of its own, not yet connected. */
  client(spec: SessionSpec): Client {
    return new HealingClient(this.config(spec));
  }

  /** A pool that nobody but its maker uses and ends. A connection that died is dropped by it; the next statement opens another. */
  pool(spec: PoolSpec): Pool {
    const pool = new Pool({ ...this.config(spec), Client: HealingClient as unknown as typeof Client, max: spec.size });
    pool.on('error', () => undefined);
    return pool;
  }

  /** What pg takes; also as `extra` of TypeORM's options. */
  config({ application, statementTimeoutMs = STATEMENT_TIMEOUT_MS, answerTimeoutMs, settings }: SessionSpec): HealingConfig {
    const wait = answerTimeoutMs ?? (statementTimeoutMs === 0 ? 0 : statementTimeoutMs + GRACE_MS);
    const all = { statement_timeout: statementTimeoutMs, ...(this.testClock ? clockedPath(this.schema) : {}), ...settings };
    return {
      ...this.url.login,
      primary: this.primary,
      application_name: application,
      client_encoding: 'UTF8',
      options: sessionOptions(this.url.options, this.schema, all),
      passwordFor: this.url.password,
      pins: transactionPins(this.url.options, this.schema, all),
      query_timeout: wait,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    };
  }
}
