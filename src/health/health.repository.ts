import { Injectable } from '@nestjs/common';
import { type Pool } from 'pg';
import { DataSource } from 'typeorm';

export interface DatabaseStatus {
  /** Migrations that this release knows and the database lacks. */
  pending: string[];
  /** How far the database's clock is behind what it showed before, to us or in the newest request; 0 when it is not. */
  clockBehindMs: number;
  /** What its clock shows, in milliseconds since 1970. */
  nowMs: number;
}

/** Steps of the clock smaller than this are ordinary corrections. */
const TOLERATED_STEP_MS = 2_000;

@Injectable()
export class HealthRepository {
  private latest = { databaseMs: 0, ourMs: 0 };

  constructor(private readonly dataSource: DataSource) {}

  /** The connections of reads and administration in this process. */
  pool(): { open: number; idle: number; waiting: number } {
    const { master } = this.dataSource.driver as unknown as { master: Pool };
    return { open: master.totalCount, idle: master.idleCount, waiting: master.waitingCount };
  }

  async look(): Promise<DatabaseStatus> {
    const [row] = await this.dataSource.query<[{ now: number; names: string[]; newest: number | null }]>(
      `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now, (SELECT array_agg(name) FROM migrations) AS names,
         (SELECT (extract(epoch FROM created_at) * 1000)::float8 FROM requests ORDER BY id DESC LIMIT 1) AS newest`,
    );
    const known = this.dataSource.migrations.map((migration) => migration.name ?? '');
    const done = new Set(row.names);
    return { pending: known.filter((name) => !done.has(name)), clockBehindMs: this.behind(row.now, row.newest ?? 0), nowMs: row.now };
  }

  /** Compares the database's clock with where it should be: by what it showed last and our own steady clock, and by the ledger. */
  private behind(databaseMs: number, newestRequestMs: number): number {
    const ourMs = performance.now();
    const expected = this.latest.databaseMs === 0 ? 0 : this.latest.databaseMs + (ourMs - this.latest.ourMs);
    const behind = Math.max(expected, newestRequestMs) - databaseMs;
    if (behind > TOLERATED_STEP_MS) return behind;
    this.latest = { databaseMs, ourMs };
    return 0;
  }
}
