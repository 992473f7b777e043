import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type RequestStatus } from '../ledger/entities/request.entity';
import { OF_NOBODY_DELETED } from '../users/user-removal.repository';

/** What a request's changes are derived from: no payload, no result, no error. */
export interface HistoryRow {
  id: string;
  userId: number;
  status: RequestStatus;
  held: boolean;
  attempt: number;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  updatedAt: Date;
  /** The clock has ended it and nobody noticed yet. */
  overdue: boolean;
  /** `[attempt, outcome, startedAt, endedAt]`, the first one first; the attempt under way is not among them. */
  attempts: [number, string | null, string, string | null][];
}

@Injectable()
export class HistoriesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The histories of those requests that there are, in one statement. */
  async read(ids: readonly string[]): Promise<HistoryRow[]> {
    return this.dataSource.query(
      `SELECT r.id, r.user_id AS "userId", r.status, r.held, r.attempt, r.created_at AS "createdAt", r.started_at AS "startedAt",
         r.finished_at AS "finishedAt", r.updated_at AS "updatedAt",
         coalesce(r.status IN ('pending', 'processing') AND (r.deadline_at <= now() OR r.held AND r.lease_expires_at <= now()), false) AS overdue,
         CASE WHEN r.attempt = 0 THEN '[]' ELSE coalesce((
           SELECT json_agg(json_build_array(a.attempt, a.outcome, a.started_at, a.ended_at) ORDER BY a.attempt) FROM request_attempts a WHERE a.request_id = r.id
         ), '[]') END AS attempts
       FROM requests r WHERE r.id = ANY ($1::uuid[]) AND r.user_id ${OF_NOBODY_DELETED}`,
      [ids],
    );
  }
}
