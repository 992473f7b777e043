import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Charge } from '../ledger/charge';
import { DRAWS } from '../ledger/forms.sql';
import { REQUEST, REQUEST_JSON } from '../ledger/request-row';
import { OF_NOBODY_DELETED } from '../users/user-removal.repository';
import { type ListRequestsQuery } from './dto/list-requests.dto';
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

/** Where a page begins: after the newer or before the older end of the one that was read. */
export interface PagePosition {
  newer: boolean;
  id: string;
}

/** One of a list, as it is answered; null: the page holds as much as it may without it. */
export interface ListedRow {
  id: string;
  json: string | null;
  overdue: boolean;
}

const OVERDUE = `coalesce(r.status IN ('pending', 'processing') AND (r.deadline_at <= now() OR r.held AND r.lease_expires_at <= now()), false) AS overdue`;
const ROW = `${REQUEST}, r.held, ${OVERDUE}`;

/** True of every row; it names what the partial indexes of waiting requests are made of, so that a queue that is empty is not looked for in the whole ledger. */
const WAITING_BY_INDEX = '(available_at IS NULL OR available_at IS NOT NULL)';

/** A page ends behind the request that makes it longer than this: a hundred large payloads are no answer of many megabytes. */
const MAX_PAGE_BYTES = 1_000_000;
/** Requests that one page looks at for a type or a key. A rare one is found in more pages, not in longer ones. */
const MAX_LOOKED_AT = 2_000;

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

  /**
   * Newest first. Ids begin with the database's time, so order, cursor and both bounds in time are ranges of one index:
   * every page costs the same. Towards the newer end the rows come the other way round. Their JSON is made here and passed on
   * as it is, up to a page's length in bytes.
   */
  async list(
    userId: number | null,
    query: ListRequestsQuery,
    from: PagePosition | null,
    count: number,
    reader: EntityManager = this.dataSource.manager,
  ): Promise<ListedRow[]> {
    const { looked, matching, values } = lookFor(userId, query, from);
    const order = from?.newer ? 'ASC' : 'DESC';
    return reader.query(
      `SELECT id, overdue, CASE WHEN coalesce(sum(octet_length(json)) OVER before, 0) < ${MAX_PAGE_BYTES} THEN json END AS json
       FROM (SELECT r.id, ${OVERDUE}, ${REQUEST_JSON} AS json FROM (${looked}) r WHERE ${matching} ORDER BY id ${order} LIMIT ${count}) r
       WINDOW before AS (ORDER BY id ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) ORDER BY id ${order}`,
      values,
    );
  }

  /** Where a page that is not full goes on: the last id that it looked at; null: there are no more. */
  async lastLookedAt(
    userId: number | null,
    query: ListRequestsQuery,
    from: PagePosition | null,
    reader: EntityManager = this.dataSource.manager,
  ): Promise<string | null> {
    if (query.type === undefined && query.keyId === undefined) return null;
    const { looked, matching, values } = lookFor(userId, query, from);
    const [{ last, count }] = await reader.query<[{ last: string; count: number }]>(
      `SELECT (array_agg(id))[count(*)] AS last, count(*)::integer AS count, count(*) FILTER (WHERE ${matching}) AS matching FROM (${looked}) r`,
      values,
    );
    return count < MAX_LOOKED_AT ? null : last;
  }
}

/** The rows that an index finds, in its order, and what is asked of each of them where no index has it. */
function lookFor(userId: number | null, query: ListRequestsQuery, from: PagePosition | null): { looked: string; matching: string; values: unknown[] } {
  const { status = null, type = null, keyId = null, since, until } = query;
  const conditions = ['true'];
  const matching = ['true'];
  const values: unknown[] = [];
  const add = (to: string[], condition: string, value: unknown) => {
    if (value !== null) to.push(condition.replace('?', `$${values.push(value)}`));
  };
  // Of one user it is asked once, not of each row.
  if (userId === null) conditions.push(`user_id ${OF_NOBODY_DELETED}`);
  else add(conditions, 'NOT EXISTS (SELECT FROM user_removals d WHERE d.user_id = ?)', userId);
  add(conditions, 'user_id = ?', userId);
  add(conditions, from?.newer ? 'id > ?::uuid' : 'id < ?::uuid', from?.id ?? null);
  add(conditions, 'id >= ?::uuid', since === undefined ? null : firstIdOf(since));
  add(conditions, 'id < ?::uuid', until === undefined ? null : firstIdOf(until));
  add(conditions, 'status = ?', status);
  if (status === 'pending') conditions.push(WAITING_BY_INDEX);
  add(matching, 'type = ?', type);
  add(matching, 'api_key_id = ?', keyId);
  const bound = type === null && keyId === null ? '' : `LIMIT ${MAX_LOOKED_AT}`;
  const looked = `SELECT * FROM requests r WHERE ${conditions.join(' AND ')} ORDER BY id ${from?.newer ? 'ASC' : 'DESC'} ${bound}`;
  return { looked, matching: matching.join(' AND '), values };
}

/** The smallest id that the millisecond can have. */
function firstIdOf(instant: string): string {
  const hex = Math.max(0, Math.ceil(Date.parse(instant)))
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
