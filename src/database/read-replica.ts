import { type DataSource, type EntityManager } from 'typeorm';
import { type ConnectionUrl } from './connection-url';
import { RetryingDataSource } from './retrying-data-source';
import { nameOf } from './server-probe';
import { sessionOptions, STATEMENT_TIMEOUT_MS } from './session';

/** A replica that is away is asked again so often. */
const RETRY_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** How much longer than the server the client waits for an answer. */
const GRACE_MS = 2_000;
/** Marks that are kept while the replica is behind them: at two a second those of five minutes. */
const MAX_MARKS = 600;

/** Where a server's log stands, and which server it is. `lsn` in bytes: of the primary what it has flushed, of a replica what it has replayed. */
const STAND = `SELECT clock_timestamp() AS time, pg_is_in_recovery() AS standby,
  pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::float8 AS lsn,
  extract(epoch FROM pg_postmaster_start_time())::text AS "startedAt",
  (SELECT system_identifier FROM pg_control_system())::text || ' ' || (SELECT oid FROM pg_database WHERE datname = current_database())::text AS database`;

interface Stand {
  time: Date;
  standby: boolean;
  lsn: number;
  startedAt: string;
  /** The same on a primary and its replicas. */
  database: string;
}

/** What the primary had committed at an instant. */
interface Mark {
  lsn: number;
  /** By the primary's clock. */
  time: Date;
  /** By this process's steady one, in milliseconds; never later than `time`. */
  at: number;
}

export interface ReadReplicaOptions {
  url: ConnectionUrl;
  schema: string;
  poolSize: number;
}

/**
 * A server that replays what the primary commits. Always true: it counts as being as of an instant only when it has replayed all that the
 * primary had flushed then, as the primary itself stated; its sessions cannot write. How old that is, who reads decides.
 */
export class ReadReplica {
  private source: DataSource | null = null;
  private marks: Mark[] = [];
  private reached: Mark | null = null;
  private why: string | null = 'it was not looked at yet';
  private retryAt = 0;

  constructor(
    private readonly primary: DataSource,
    private readonly options: ReadReplicaOptions,
  ) {}

  /** Where it stands, for operators: `host:port`. */
  get name(): string {
    return nameOf(this.options.url.servers[0] ?? {});
  }

  /** Why nothing is read from it; null: it can be. */
  get problem(): string | null {
    return this.why;
  }

  /** What it has replayed; null: not known, or it is away. */
  get asOf(): Pick<Mark, 'time' | 'at'> | null {
    return this.why === null ? this.reached : null;
  }

  /** What reads go by; null: it is away. */
  get manager(): EntityManager | null {
    return this.why === null && this.source !== null ? this.source.manager : null;
  }

  /** Compares the two once. Rejects only when the primary does not answer: what the replica was known to have stays true. */
  async look(): Promise<void> {
    const at = performance.now();
    const primary = await standOf(this.primary);
    this.marks.push({ lsn: primary.lsn, time: primary.time, at });
    if (this.marks.length > MAX_MARKS) this.marks.shift();
    try {
      if (this.source === null && performance.now() < this.retryAt) return;
      this.source ??= await this.open();
      this.reach(primary, await standOf(this.source));
      this.why = null;
    } catch (error) {
      this.leave((error as Error).message);
    }
  }

  async close(): Promise<void> {
    this.why = 'the process is stopping';
    const { source } = this;
    this.source = null;
    await source?.destroy();
  }

  private reach(primary: Stand, replica: Stand): void {
    if (replica.database !== primary.database) throw new Error('it is no replica of the database of DATABASE_URL');
    if (!replica.standby && replica.startedAt !== primary.startedAt) throw new Error('it takes writes itself: it replays nothing');
    const reached = this.marks.filter(({ lsn }) => lsn <= replica.lsn).at(-1);
    if (reached === undefined) return;
    this.reached = reached;
    this.marks = this.marks.filter(({ at }) => at > reached.at);
  }

  private async open(): Promise<DataSource> {
    const { url, schema, poolSize } = this.options;
    const [address = {}] = url.servers;
    return new RetryingDataSource({
      type: 'postgres',
      entities: this.primary.options.entities,
      synchronize: false,
      poolSize,
      poolErrorHandler: () => undefined,
      extra: {
        ...url.login,
        ...address,
        password: () => Promise.resolve(url.password(address) as string),
        application_name: 'quotidian reads',
        client_encoding: 'UTF8',
        options: sessionOptions(url.options, schema, { default_transaction_read_only: 'on' }),
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        query_timeout: STATEMENT_TIMEOUT_MS + GRACE_MS,
        keepAlive: true,
        idleTimeoutMillis: 30_000,
      },
    }).initialize();
  }

  /** Its connections may be half open, so all of them go. Who reads by them is answered by the primary. */
  private leave(why: string): void {
    this.why = why;
    this.reached = null;
    this.retryAt = performance.now() + RETRY_MS;
    void this.source?.destroy().catch(() => undefined);
    this.source = null;
  }
}

async function standOf(source: DataSource): Promise<Stand> {
  const [stand] = await source.query<[Stand]>(STAND);
  return stand;
}
