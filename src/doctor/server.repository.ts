import { type DataSource } from 'typeorm';

export interface ServerFacts {
  version: string;
  fsync: string;
  fullPageWrites: string;
  synchronousCommit: string;
  /** Milliseconds since 1970. */
  nowMs: number;
  maxConnections: number;
  reserved: number;
  /** Of all programs, as far as this role may see. */
  connections: number;
  /** Processes of the service that listen. */
  replicas: number;
  /** Transactions left until the server stops for wraparound has 2,000,000,000 less this. */
  xidAge: number;
}

export interface LongTransaction {
  pid: number;
  application: string;
  seconds: number;
}

export interface IdleSlot {
  name: string;
  retainedBytes: number;
}

/** Questions about the server. Each reads statistics and catalogs, nothing of the tables. */
export class ServerRepository {
  constructor(private readonly dataSource: DataSource) {}

  async facts(): Promise<ServerFacts> {
    const [facts] = await this.dataSource.query<[ServerFacts]>(
      `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync, current_setting('full_page_writes') AS "fullPageWrites",
         (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit') AS "synchronousCommit",
         (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs",
         current_setting('max_connections')::integer AS "maxConnections", current_setting('superuser_reserved_connections')::integer AS reserved,
         (SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
         (SELECT count(*)::integer FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quotidian listen') AS replicas,
         (SELECT max(age(datfrozenxid))::integer FROM pg_database) AS "xidAge"`,
    );
    return facts;
  }

  longTransactions(seconds: number): Promise<LongTransaction[]> {
    return this.dataSource.query(
      `SELECT pid, coalesce(nullif(application_name, ''), usename, backend_type) AS application, extract(epoch FROM now() - xact_start)::integer AS seconds
       FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start < now() - make_interval(secs => $1) ORDER BY xact_start LIMIT 3`,
      [seconds],
    );
  }

  preparedTransactions(seconds: number): Promise<{ gid: string }[]> {
    return this.dataSource.query(
      `SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND prepared < now() - make_interval(secs => $1) ORDER BY prepared LIMIT 3`,
      [seconds],
    );
  }

  idleSlots(bytes: number): Promise<IdleSlot[]> {
    return this.dataSource.query(
      `SELECT s.slot_name AS name, s.retained AS "retainedBytes"
       FROM (SELECT slot_name, (pg_current_wal_lsn() - restart_lsn)::float8 AS retained FROM pg_replication_slots WHERE NOT active) s WHERE s.retained > $1 LIMIT 3`,
      [bytes],
    );
  }

  /** Commits that write to the log and to no table: how long the log's way to the disk takes. */
  async flush(): Promise<void> {
    await this.dataSource.query(`SELECT pg_logical_emit_message(true, 'quotidian doctor', '')`);
  }

  async notify(channel: string, payload: string): Promise<void> {
    await this.dataSource.query('SELECT pg_notify($1, $2)', [channel, payload]);
  }
}
