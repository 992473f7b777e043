import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Origin } from '../common/spans';

const REMOVED_AT_ONCE = 1_000;

/** Where submits stand in their traces. Nothing that counts depends on it. */
@Injectable()
export class TraceOriginsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async add(origins: readonly Origin[]): Promise<void> {
    await this.dataSource.query(`INSERT INTO request_traces (request_id, traceparent) SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING`, [
      origins.map(({ id }) => id),
      origins.map(({ traceparent }) => traceparent),
    ]);
  }

  async of(ids: readonly string[]): Promise<string[]> {
    const rows: { traceparent: string }[] = await this.dataSource.query(`SELECT traceparent FROM request_traces WHERE request_id = ANY ($1::uuid[])`, [ids]);
    return rows.map(({ traceparent }) => traceparent);
  }

  /** Forgets some of those that are older than a day; 0: there are none left. */
  async removeExpired(): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM request_traces WHERE request_id IN (
         SELECT request_id FROM request_traces WHERE created_at < now() - interval '1 day' ORDER BY created_at LIMIT ${REMOVED_AT_ONCE} FOR UPDATE SKIP LOCKED)`,
    );
    return count;
  }
}
