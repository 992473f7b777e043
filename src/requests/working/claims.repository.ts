import { Injectable } from '@nestjs/common';
import { prepared } from '../../database/prepared-statements';
import { type Run, StatementPool } from '../../database/statement-pool';
import { CLAIMED_JSON } from '../../ledger/request-row';
import { OF_NOBODY_DELETED } from '../../users/user-removal.repository';
import { type Leads } from './fair-share';

/** A type to claim, with what the settings hold about it. */
export interface Kind {
  type: string;
  max_attempts: number;
  concurrency: number | null;
}

export interface Claim {
  kinds: readonly Kind[];
  limit: number;
  leaseSeconds: number;
  leads: Leads;
}

export interface Claimed {
  id: string;
  type: string;
  userId: number;
  /** As a claim answers it. */
  json: string;
}

export interface ClaimResult {
  items: Claimed[];
  /** There was something to claim, others may have taken all of it meanwhile. */
  contended: boolean;
  /** Requests of these types that the clock has ended and nobody noticed. */
  overdue: string[];
  /** Milliseconds until something more is to be had without anybody's doing; null when nothing is known of. */
  nextInMs: number | null;
}

/** Users looked up besides those of the oldest requests, when more wait than are looked at. */
const MAX_OTHER_USERS = 64;
const SWEPT = 100;

const READY = `w.status = 'pending' AND w.available_at IS NULL`;
const DELAYED = `w.status = 'pending' AND w.available_at IS NOT NULL`;
const IN_TIME = `(w.deadline_at IS NULL OR w.deadline_at > now())`;
const LOST = `w.status = 'processing' AND w.lease_expires_at <= now()`;
const RETRIED = `NOT w.held AND w.cancel_requested_at IS NULL AND w.attempt < w.max_attempts`;

/**
 * Hands out requests: oldest first, users in turn. One statement, so a request is handed out with its attempt or not at all.
 *
 * Candidates are the oldest that are ready, those whose pause is over and those whose worker lost its lease; all from
 * partial indexes, so finished requests cost nothing. When more are ready than are looked at, one user may fill that window:
 * then other users are looked up too, from a random one on, each with its share. A candidate's rank is its place among its
 * user's plus that user's lead. What another claim holds is skipped, and what it took meanwhile fails the recheck of the lock.
 *
 * Requests of a deleted user, which go in batches, are left out of what is ranked, not of what is looked at: however many they are, a claim costs the same.
 *
 * With a limit on concurrency the count must see what the claims before have committed: the caller takes the types' lock first.
 */
const CLAIM = prepared(
  'claim',
  `
WITH RECURSIVE kind AS MATERIALIZED (
  SELECT * FROM ROWS FROM (json_to_recordset($1) AS (type text, max_attempts integer, concurrency integer)) WITH ORDINALITY AS k(type, max_attempts, concurrency, n)
), oldest AS MATERIALIZED (
  SELECT w.* FROM kind k CROSS JOIN LATERAL (
    SELECT w.id, w.type, w.user_id, w.created_at FROM requests w WHERE w.type = k.type AND ${READY} AND ${IN_TIME} ORDER BY w.created_at LIMIT $4) w
), waiting_user (type, user_id) AS (
  SELECT k.type, coalesce(
      (SELECT w.user_id FROM requests w WHERE w.type = k.type AND ${READY} AND w.user_id >= (SELECT floor($5::float8 * max(u.id))::integer FROM users u) ORDER BY w.user_id LIMIT 1),
      (SELECT w.user_id FROM requests w WHERE w.type = k.type AND ${READY} ORDER BY w.user_id LIMIT 1))
  FROM kind k WHERE (SELECT count(*) FROM oldest o WHERE o.type = k.type) >= $4
  UNION
  SELECT t.type, coalesce(
      (SELECT w.user_id FROM requests w WHERE w.type = t.type AND ${READY} AND w.user_id > t.user_id ORDER BY w.user_id LIMIT 1),
      (SELECT w.user_id FROM requests w WHERE w.type = t.type AND ${READY} ORDER BY w.user_id LIMIT 1))
  FROM waiting_user t WHERE t.user_id IS NOT NULL
), other_user AS MATERIALIZED (
  SELECT t.type, t.user_id FROM waiting_user t WHERE t.user_id IS NOT NULL LIMIT ${MAX_OTHER_USERS}
), candidate AS (
  SELECT id, type, user_id, created_at FROM oldest
  UNION
  SELECT w.* FROM other_user o CROSS JOIN LATERAL (
    SELECT w.id, w.type, w.user_id, w.created_at FROM requests w WHERE w.type = o.type AND w.user_id = o.user_id AND ${READY} AND ${IN_TIME}
    ORDER BY w.created_at LIMIT (SELECT greatest(1, ceil($2::integer::float8 / count(*)))::integer FROM other_user)) w
  UNION
  SELECT w.* FROM kind k CROSS JOIN LATERAL (
    SELECT w.id, w.type, w.user_id, w.created_at FROM requests w WHERE w.type = k.type AND ${DELAYED} AND w.available_at <= now() AND ${IN_TIME} AND w.user_id ${OF_NOBODY_DELETED}
    ORDER BY w.available_at LIMIT $4) w
  UNION
  SELECT w.* FROM kind k CROSS JOIN LATERAL (
    SELECT w.id, w.type, w.user_id, w.created_at FROM requests w WHERE w.type = k.type AND ${LOST} AND ${RETRIED} AND ${IN_TIME} AND w.user_id ${OF_NOBODY_DELETED}
    ORDER BY w.lease_expires_at LIMIT $4) w
), busy AS MATERIALIZED (
  SELECT w.type, w.user_id, count(*) AS count FROM kind k JOIN requests w ON w.type = k.type
  WHERE k.concurrency IS NOT NULL AND w.status = 'processing' AND w.lease_expires_at > now() AND NOT w.held GROUP BY 1, 2
), ranked AS (
  SELECT c.id, c.created_at, c.place, c.place + coalesce(l.lead, 0) AS rank, k.concurrency - coalesce(b.count, 0) AS room
  FROM (SELECT *, row_number() OVER (PARTITION BY type, user_id ORDER BY created_at, id) AS place FROM candidate
    WHERE user_id ${OF_NOBODY_DELETED}) c
  JOIN kind k USING (type) LEFT JOIN busy b USING (type, user_id)
  LEFT JOIN unnest($6::integer[], $7::integer[], $8::integer[]) AS l(n, user_id, lead) ON l.n = k.n AND l.user_id = c.user_id
), chosen AS MATERIALIZED (
  SELECT id, rank, created_at FROM ranked WHERE room IS NULL OR place <= room ORDER BY rank, created_at, id LIMIT $2::integer * 2 + 16
), taken AS MATERIALIZED (
  SELECT w.id, c.rank, w.type, w.status, w.attempt, w.started_at, w.created_at FROM chosen c JOIN requests w ON w.id = c.id
      AND w.id = ANY (ARRAY(SELECT id FROM chosen))
  WHERE (w.status = 'pending' AND coalesce(w.available_at <= now(), true)) OR (${LOST} AND ${RETRIED})
  ORDER BY c.rank, c.created_at, c.id LIMIT $2::integer FOR NO KEY UPDATE OF w SKIP LOCKED
), lost AS (
  INSERT INTO request_attempts (request_id, attempt, outcome, started_at)
  SELECT id, attempt, 'lost', coalesce(started_at, created_at) FROM taken WHERE status = 'processing'
), claimed AS (
  UPDATE requests w SET status = 'processing', attempt = w.attempt + 1, max_attempts = greatest(k.max_attempts, w.attempt + 1),
    available_at = NULL, lease_expires_at = least(now() + make_interval(secs => $3), w.deadline_at), started_at = now(), updated_at = now()
  FROM taken t JOIN kind k USING (type) WHERE w.id = t.id
  RETURNING w.*, t.rank
)
SELECT (SELECT count(*) FROM chosen) > 0, array_to_string(ARRAY(
    (SELECT w.id FROM requests w WHERE w.status = 'pending' AND w.deadline_at <= now() LIMIT ${SWEPT})
    UNION ALL
    (SELECT w.id FROM kind k JOIN requests w ON w.type = k.type WHERE ${LOST} AND (${RETRIED} AND ${IN_TIME}) IS NOT TRUE LIMIT ${SWEPT})
  ), ' '),
  CASE WHEN r.id IS NULL THEN (
    SELECT (extract(epoch FROM min(at) - now()) * 1000)::float8 FROM kind k CROSS JOIN LATERAL (
      (SELECT w.available_at AS at FROM requests w WHERE w.type = k.type AND ${DELAYED} ORDER BY w.available_at LIMIT 1)
      UNION ALL
      (SELECT w.lease_expires_at FROM requests w WHERE w.type = k.type AND w.status = 'processing' AND w.lease_expires_at > now()
       ORDER BY w.lease_expires_at LIMIT 1)
    ) n
  ) END, r.id, r.type, r.user_id, ${CLAIMED_JSON}
FROM (SELECT) one LEFT JOIN claimed r ON true ORDER BY r.rank, r.created_at, r.id
`,
  'array',
);

const LOCK_TYPES = prepared(
  'lock types',
  `SELECT pg_advisory_xact_lock(hashtextextended('claim ' || t.type, 0)) FROM (SELECT type FROM unnest($1::text[]) AS type ORDER BY 1) t`,
);

/** In one of nothing but what is known of the types, the id is null. */
type Row = [contended: boolean, overdue: string, nextInMs: number | null, id: string | null, type: string, userId: number, json: string];

@Injectable()
export class ClaimsRepository {
  constructor(private readonly statements: StatementPool) {}

  async claim({ kinds, limit, leaseSeconds, leads }: Claim, run: Run = this.statements.run): Promise<ClaimResult> {
    const window = Math.max(200, limit * 4);
    const columns = [leads.types, leads.userIds, leads.leads].map((column) => `{${column.join()}}`);
    const values = [JSON.stringify(kinds), limit, leaseSeconds, window, Math.random(), ...columns];
    return toResult(await run<Row>(CLAIM, values));
  }

  /** Claims of these types wait for each other until the transaction ends. */
  async lockTypes(run: Run, types: readonly string[]): Promise<void> {
    await run(LOCK_TYPES, [types]);
  }
}

function toResult(rows: Row[]): ClaimResult {
  const [contended, overdue, nextInMs] = rows[0] as Row;
  const items = rows.flatMap(([, , , id, type, userId, json]) => (id === null ? [] : [{ id, type, userId, json }]));
  return { items, contended, overdue: overdue === '' ? [] : overdue.split(' '), nextInMs };
}
