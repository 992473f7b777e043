import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Charge } from '../ledger/charge';
import { DRAWS } from '../ledger/forms.sql';
import { REQUEST, REQUEST_JSON } from '../ledger/request-row';
import { OF_NOBODY_DELETED } from '../users/user-removal.repository';
import { type AttemptDto } from './dto/request-detail.dto';
import { type DrawDto, type RequestDto } from './dto/request.dto';

/** `overdue`: the clock has ended it and nobody noticed yet. */
export type RequestRow = RequestDto & { held: boolean; overdue: boolean };
type StoredRow = Omit<RequestRow, 'draws'> & { draws: DrawDto[] | null };

/** What of an answer to a submit is not in the submit itself. */
export interface FirstAnswer {
  id: string;
  status: Charge['status'];
  cost: number;
  chargedOn: string;
  deadlineAt: Date | null;
  /** Null: nothing, or retention has taken the request. */
  draws: DrawDto[] | null;
}

export const OVERDUE = `coalesce(r.status IN ('pending', 'processing') AND (r.deadline_at <= now() OR r.held AND r.lease_expires_at <= now()), false) AS overdue`;
const ROW = `${REQUEST}, r.held, ${OVERDUE}`;

@Injectable()
export class RequestsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The request, if it is that user's; null for `userId` means anybody's but those who were deleted. */
  async find(id: string, userId: number | null): Promise<RequestRow | null> {
    const rows: StoredRow[] = await this.dataSource.query(
      `SELECT ${ROW} FROM requests r WHERE id = $1 AND ($2::integer IS NULL OR user_id = $2) AND user_id ${OF_NOBODY_DELETED}`,
      [id, userId],
    );
    if (rows[0] === undefined) return null;
    const { draws, ...row } = rows[0];
    return draws === null ? row : { ...row, draws };
  }

  /** What a submit under this key was answered first; null when that is not known: the key is of before 0.2.0, or gone. */
  async firstAnswer(userId: number, key: string): Promise<FirstAnswer | null> {
    const rows: FirstAnswer[] = await this.dataSource.query(
      `SELECT request_id AS id, request_status AS status, request_cost AS cost, charged_on::text AS "chargedOn", deadline_at AS "deadlineAt",
         (SELECT ${DRAWS} FROM requests r WHERE r.id = request_id) AS draws
       FROM idempotency_keys WHERE user_id = $1 AND scope = 'requests' AND key = $2 AND request_cost IS NOT NULL`,
      [userId, key],
    );
    return rows[0] ?? null;
  }

  /**
   * The request as JSON if this attempt ended it well with this result and for these units; null otherwise. All of it may have been
   * given back since. A reservation that the clock ended differs by what was settled.
   */
  async completed(id: string, attempt: number, resultJson: string, units: number | null): Promise<string | null> {
    const rows: { json: string }[] = await this.dataSource.query(
      `SELECT ${REQUEST_JSON} AS json FROM requests r
       WHERE id = $1 AND attempt = $2 AND status = 'succeeded' AND coalesce(result, 'null') = $3::jsonb
         AND refunded_units IN (cost - coalesce($4::integer, cost), cost) AND user_id ${OF_NOBODY_DELETED}`,
      [id, attempt, resultJson, units],
    );
    return rows[0]?.json ?? null;
  }

  /** Its attempts but the one that the request's own row holds, the first one first. */
  async attempts(id: string): Promise<AttemptDto[]> {
    return this.dataSource.query(
      `SELECT attempt, outcome, error, started_at AS "startedAt", ended_at AS "endedAt" FROM request_attempts WHERE request_id = $1 ORDER BY attempt`,
      [id],
    );
  }
}
