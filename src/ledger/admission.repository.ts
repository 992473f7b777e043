import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { randomFillSync } from 'node:crypto';
import { Connections } from '../database/connections';
import { prepared, type PreparedStatement } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';
import { type Charge } from './charge';
import { type PendingCharge } from './charge-queue';

/** How the statement answers one charge; `n` is the charge's place in the batch, from 1. */
export interface Decision {
  n: number;
  outcome: 'admitted' | 'over-quota' | 'over-cap' | 'deferred' | 'replayed' | 'key-reused' | 'suspended' | 'no-user';
  id: string | null;
  used: number;
  capUsed: number | null;
  cap: number | null;
  unlimited: boolean;
  /** Whether the user's row was locked for it: then it was decided by what others committed after the statement's snapshot. */
  locked: boolean;
  quota: number;
  tier: string;
  zone: string | null;
  day: string;
  periodZone: string;
  now: number;
}

/** What a batch needs of the statement. A part that is left idle would still cost as much as several charges. */
interface Parts {
  /** A charge carries an Idempotency-Key. */
  keys: boolean;
  /** A charge is paid by an API key with a cap of its own. */
  caps: boolean;
  /** A charge comes from a user who had nothing left a moment ago. */
  peeks: boolean;
  /** A charge has a deadline. */
  deadlines: boolean;
  /** A charge is held under a lease. */
  holds: boolean;
}

const STATE = `status = 'active' AS active, quota_of(u, (SELECT quota_default_zone())) AS q, u.quota_reset_date,
      u.api_quota_used_today, u.api_quota_refunded_today, u.api_quota_requests_today`;

/** The 48 bits of time that begin a UUIDv7 (RFC 9562, section 5.7): the database's, in milliseconds. */
const TIME = `(SELECT lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint), 12, '0'))`;

/**
 * Decides and records a batch of charges. One statement, so all of it commits or none.
 *
 * It admits exactly what fits. Rows of users are locked in id order (batches of several replicas cannot deadlock) and read
 * as they are once locked, whatever the statement's snapshot saw. Within a user, charges are taken in arrival order: as
 * long as all before it fit, a charge's running sum is the counter after it, so it is decided for good. After the first
 * misfit, a charge larger than what is left is refused for good, and any other is `deferred`: the caller sends it again,
 * and each round decides at least one more.
 *
 * Users who had nothing left a moment ago are only peeked at: their rows are read without a lock, and nothing but a
 * refusal is taken from that. It is right as of the statement's snapshot, and writes nothing.
 *
 * The day in `requests` and the one in `users` are one projection's, whatever the clock does meanwhile. The owner of a
 * capped key may not be locked here, so what the key's own row says wins when its period is the later one. A day that is
 * over is archived by the statement that leaves it. A retry of an Idempotency-Key that another replica is just storing
 * breaks idempotency_keys_pkey: the batch rolls back, is sent again, and then finds the key. Tables of several modules
 * are written together here and nowhere else: see DECISIONS.md.
 */
const admitStatement = ({ keys, caps, peeks, deadlines, holds }: Parts): string => `
WITH item AS MATERIALIZED (
  SELECT i.*${keys ? `, k.*` : ''}
  FROM ROWS FROM (json_to_recordset($1) AS (
    user_id integer, key_id integer, capped boolean, type text, status text, cost integer, payload jsonb, tail text,
    scope text, key text, fingerprint text${deadlines ? `, deadline_at timestamptz, deadline_seconds integer` : ''}${holds ? `, hold_seconds integer` : ''}
  )) WITH ORDINALITY AS i(user_id, key_id, capped, type, status, cost, payload, tail, scope, key, fingerprint${
    deadlines ? `, deadline_at, deadline_seconds` : ''
  }${holds ? `, hold_seconds` : ''}, n)
  ${
    keys
      ? `LEFT JOIN LATERAL (
    SELECT m.request_id AS answered_by, m.fingerprint = decode(i.fingerprint, 'hex') AS same_body,
      m.created_at <= now() - make_interval(hours => $${peeks ? 5 : 4}) AS outlived
    FROM idempotency_keys m WHERE m.user_id = i.user_id AND m.scope = i.scope AND m.key = i.key OFFSET 0
  ) k ON true`
      : ''
  }
), account AS MATERIALIZED (
  SELECT (l.q).*, CASE WHEN (l.q).unlimited THEN 2147483647 ELSE (l.q).quota END AS ceiling, true AS locked, l.active,
    l.quota_reset_date, l.api_quota_used_today, l.api_quota_refunded_today, l.api_quota_requests_today
  FROM (SELECT ${STATE} FROM users u WHERE u.id = ANY ($2::integer[]) AND u.status <> 'deleted' ORDER BY u.id FOR NO KEY UPDATE) l
  ${
    peeks
      ? `UNION ALL
  SELECT (p.q).*, CASE WHEN (p.q).unlimited THEN 2147483647 ELSE (p.q).quota END, false, p.active,
    p.quota_reset_date, p.api_quota_used_today, p.api_quota_refunded_today, p.api_quota_requests_today
  FROM (SELECT ${STATE} FROM users u WHERE u.id = ANY ($4::integer[]) AND u.status <> 'deleted' OFFSET 0) p`
      : ''
  }
), ${
  caps
    ? `cap AS MATERIALIZED (
  SELECT l.id, l.daily_cap, CASE WHEN l.counts THEN l.cap_used_today ELSE 0 END AS used,
    CASE WHEN l.counts THEN l.cap_reset_date ELSE (l.q).day END AS day, CASE WHEN l.counts THEN l.cap_reset_fold ELSE (l.q).fold END AS fold
  FROM (
    SELECT k.id, k.daily_cap, k.cap_used_today, k.cap_reset_date, k.cap_reset_fold, o.q,
      (k.cap_reset_date, k.cap_reset_fold) >= ((o.q).day, (o.q).fold) AS counts
    FROM api_keys k
    CROSS JOIN LATERAL (SELECT quota_of(u, (SELECT quota_default_zone())) AS q FROM users u WHERE u.id = k.user_id OFFSET 0) o
    WHERE k.id = ANY (ARRAY(SELECT key_id FROM item WHERE capped)) AND k.daily_cap IS NOT NULL
    ORDER BY k.id FOR NO KEY UPDATE OF k
  ) l
), `
    : ''
}running AS (
  SELECT i.n, i.user_id, i.key_id, i.cost, a.ceiling, a.day, a.fold, a.locked, a.active, a.used AS used_before,
    a.used + sum(i.cost) OVER (PARTITION BY i.user_id ORDER BY i.n) AS used_after,
    ${
      caps
        ? `c.daily_cap, c.used AS cap_before, c.used + sum(i.cost) OVER (PARTITION BY i.user_id, c.id ORDER BY i.n) AS cap_after`
        : `NULL::integer AS daily_cap, NULL::integer AS cap_after`
    }
  FROM item i JOIN account a USING (user_id) ${caps ? `LEFT JOIN cap c ON c.id = i.key_id AND i.capped` : ''}
  ${keys ? `WHERE i.answered_by IS NULL OR i.outlived` : ''}
), sorted AS (
  SELECT *, coalesce(min(n) FILTER (WHERE used_after > ceiling ${caps ? `OR cap_after > daily_cap` : ''} OR NOT locked)
    OVER (PARTITION BY user_id), 2147483647) AS first_misfit
  FROM running
), settled AS (
  SELECT *, coalesce(max(used_after) FILTER (WHERE n < first_misfit) OVER (PARTITION BY user_id), used_before) AS used_then,
    ${caps ? `coalesce(max(cap_after) FILTER (WHERE n < first_misfit) OVER (PARTITION BY user_id, key_id), cap_before)` : `NULL::integer`} AS cap_then
  FROM sorted
), verdict AS MATERIALIZED (
  SELECT n, user_id, key_id, day, fold, ceiling, used_after, used_then, daily_cap, cap_after, cap_then,
    CASE
      WHEN NOT active THEN 'suspended'
      WHEN n < first_misfit THEN 'admitted'
      WHEN used_then + cost > ceiling THEN 'over-quota'
      ${caps ? `WHEN cap_then + cost > daily_cap THEN 'over-cap'` : ''}
      ELSE 'deferred'
    END AS outcome
  FROM settled
), total AS MATERIALIZED (
  SELECT a.*, t.used_now, t.requests_now
  FROM (
    SELECT user_id, max(used_after)::integer AS used_now, count(*)::integer AS requests_now
    FROM verdict WHERE outcome = 'admitted' GROUP BY user_id
  ) t JOIN account a USING (user_id)
), archived AS (
  INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests)
  SELECT user_id, quota_reset_date, closed_quota, api_quota_used_today, api_quota_refunded_today, api_quota_requests_today
  FROM total WHERE closed AND api_quota_requests_today + api_quota_used_today > 0
  ON CONFLICT (user_id, date) DO UPDATE SET used = quota_usage.used + excluded.used,
    refunded = quota_usage.refunded + excluded.refunded, requests = quota_usage.requests + excluded.requests
), charged AS (
  UPDATE users u SET api_quota_used_today = t.used_now, api_quota_refunded_today = t.refunded,
    api_quota_requests_today = t.requests + t.requests_now, quota_reset_date = t.day, quota_reset_zone = t.period_zone,
    quota_reset_fold = t.fold, subscription_tier = t.tier, api_quota_unlimited = t.base_unlimited, api_quota_daily = t.base_quota,
    next_subscription_tier = CASE WHEN NOT t.closed THEN u.next_subscription_tier END
  FROM total t WHERE u.id = t.user_id
), crossed AS (
  INSERT INTO quota_events (user_id, date, fold, threshold, used, quota)
  SELECT t.user_id, t.day, t.fold, h.share / 10000.0, t.used_now, t.quota
  FROM total t CROSS JOIN unnest($3::bigint[]) AS h(share)
  WHERE NOT t.unlimited AND t.used * 10000::bigint < h.share * t.quota AND t.used_now * 10000::bigint >= h.share * t.quota
  ON CONFLICT DO NOTHING
), ${
  caps
    ? `capped AS (
  UPDATE api_keys k SET cap_used_today = s.used, cap_reset_date = c.day, cap_reset_fold = c.fold
  FROM (SELECT key_id, max(cap_after)::integer AS used FROM verdict WHERE outcome = 'admitted' AND daily_cap IS NOT NULL GROUP BY key_id) s
  JOIN cap c ON c.id = s.key_id WHERE k.id = s.key_id
), `
    : ''
}recorded AS (
  INSERT INTO requests (id, user_id, api_key_id, type, status, cost, charged_on, charged_fold, limit_at_charge, used_at_charge,
    payload, started_at, finished_at${deadlines ? `, deadline_at` : ''}${holds ? `, attempt, lease_expires_at, held` : ''})
  SELECT (${TIME} || i.tail)::uuid, i.user_id, i.key_id, i.type, i.status, i.cost, v.day, v.fold, nullif(v.ceiling, 2147483647),
    v.used_after, i.payload, CASE WHEN i.status <> 'pending' THEN now() END, CASE WHEN i.status = 'succeeded' THEN now() END
    ${deadlines ? `, coalesce(i.deadline_at, now() + make_interval(secs => i.deadline_seconds))` : ''}
    ${holds ? `, (i.hold_seconds IS NOT NULL)::integer, now() + make_interval(secs => i.hold_seconds), i.hold_seconds IS NOT NULL` : ''}
  FROM verdict v JOIN item i USING (n) WHERE v.outcome = 'admitted'
)${
  keys
    ? `, forgotten AS (
  DELETE FROM idempotency_keys k USING verdict v JOIN item i USING (n)
  WHERE v.outcome = 'admitted' AND i.outlived AND k.user_id = i.user_id AND k.scope = i.scope AND k.key = i.key
  RETURNING k.key
), remembered AS (
  INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, request_id, request_status, request_cost, charged_on, deadline_at)
  SELECT i.user_id, i.scope, i.key, decode(i.fingerprint, 'hex'), (${TIME} || i.tail)::uuid, i.status, i.cost, v.day,
    ${deadlines ? `coalesce(i.deadline_at, now() + make_interval(secs => i.deadline_seconds))` : 'NULL'}
  FROM verdict v JOIN item i USING (n)
  WHERE v.outcome = 'admitted' AND i.key IS NOT NULL AND (SELECT count(*) FROM forgotten) >= 0
)`
    : ''
}
SELECT i.n::integer AS n, ${keys ? `CASE WHEN v.outcome = 'admitted' THEN (${TIME} || i.tail)::uuid ELSE i.answered_by END` : `(${TIME} || i.tail)::uuid`} AS id,
  coalesce(v.outcome, CASE WHEN a.user_id IS NULL THEN 'no-user' ${keys ? `WHEN i.same_body THEN 'replayed' ELSE 'key-reused'` : ''} END) AS outcome,
  coalesce(CASE WHEN v.outcome = 'admitted' THEN v.used_after ELSE v.used_then END, t.used_now, a.used)::integer AS used,
  CASE WHEN v.outcome = 'admitted' THEN v.cap_after ELSE v.cap_then END::integer AS "capUsed", v.daily_cap AS cap,
  a.unlimited, a.locked, a.quota, a.tier, a.zone, a.day::text, a.period_zone AS "periodZone",
  floor(extract(epoch FROM now()) * 1000)::float8 AS now
FROM item i LEFT JOIN account a USING (user_id) LEFT JOIN total t USING (user_id) LEFT JOIN verdict v USING (n)
`;

const STATEMENT_TIMEOUT_MS = 5_000;

/** Batches under way at once. More would make them smaller and slower: measured in docs/benchmarks.md. */
export const BATCHES_IN_FLIGHT = 2;

@Injectable()
export class AdmissionRepository implements OnApplicationShutdown {
  private readonly pool: StatementPool;

  constructor(connections: Connections) {
    this.pool = new StatementPool(connections, { application: 'quotidian admission', size: BATCHES_IN_FLIGHT, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.onApplicationShutdown();
  }

  /** One decision for each charge, in the same order. */
  async admit(pending: readonly PendingCharge[], retentionHours: number, thresholds: readonly number[]): Promise<Decision[]> {
    // Within a batch the count never wraps, so the ids of its requests sort as they arrived.
    if (sequence > 0x7ff) sequence = 0;
    const charges = pending.map(({ charge }) => charge);
    const firm = new Set(pending.flatMap(({ charge, peek }) => (peek ? [] : [charge.userId])));
    const peeked = new Set(charges.map(({ userId }) => userId).filter((userId) => !firm.has(userId)));
    const parts = {
      keys: charges.some(({ idempotency }) => idempotency !== null),
      caps: charges.some(({ keyCap }) => keyCap !== 'none'),
      peeks: peeked.size > 0,
      deadlines: charges.some(({ deadline }) => deadline !== undefined),
      holds: charges.some(({ holdSeconds }) => holdSeconds !== undefined),
    };
    const statement = statementFor(parts);
    const shares = thresholds.map((share) => Math.round(share * 10_000));
    const values: unknown[] = [`[${charges.map(toItem).join()}]`, [...firm], shares];
    if (parts.peeks) values.push([...peeked]);
    if (parts.keys) values.push(retentionHours);
    const rows = await this.pool.run<Decision>(statement, values);
    return rows.sort((a, b) => a.n - b.n);
  }
}

const statements = new Map<string, PreparedStatement>();

function statementFor(parts: Parts): PreparedStatement {
  const name = ['admit', ...Object.entries(parts).flatMap(([part, needed]) => (needed ? [part] : []))].join(' ');
  let statement = statements.get(name);
  if (statement === undefined) {
    statement = prepared(name, admitStatement(parts));
    statements.set(name, statement);
  }
  return statement;
}

// Noted for review: without any part, with each alone, and with all of them.
const NONE: Parts = { keys: false, caps: false, peeks: false, deadlines: false, holds: false };
for (const part of [{}, ...Object.keys(NONE).map((name) => ({ [name]: true })), { keys: true, caps: true, peeks: true, deadlines: true, holds: true }]) {
  statementFor({ ...NONE, ...part });
}

/** A charge as JSON. Written by hand, because its payload is JSON already; every other text in it is of a plain alphabet or encoded. */
function toItem({ userId, keyId, keyCap, type, status, cost, payloadJson, idempotency, deadline, holdSeconds }: Charge): string {
  const key =
    idempotency === null
      ? ''
      : `,"scope":"${idempotency.scope}","key":${JSON.stringify(idempotency.key)},"fingerprint":"${idempotency.fingerprint.toString('hex')}"`;
  const due = deadline === undefined ? '' : typeof deadline === 'number' ? `,"deadline_seconds":${deadline}` : `,"deadline_at":"${deadline}"`;
  const hold = holdSeconds === undefined ? '' : `,"hold_seconds":${holdSeconds}`;
  return (
    `{"user_id":${userId},"key_id":${keyId},"capped":${keyCap !== 'none'},"type":"${type}","status":"${status}",` +
    `"cost":${cost},"tail":"${uuidTail()}","payload":${payloadJson}${key}${due}${hold}}`
  );
}

const random = Buffer.alloc(8_192);
let unused = random.length;
let sequence = 0;

/** What follows the time in a UUIDv7: version, 12 bits that count up, so that ids of one millisecond sort by arrival, variant, and 62 random bits. */
function uuidTail(): string {
  if (unused + 8 > random.length) {
    randomFillSync(random);
    unused = 0;
  }
  const bytes = random.subarray(unused, unused + 8);
  unused += 8;
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x80;
  sequence = (sequence + 1) & 0xfff;
  return `7${sequence.toString(16).padStart(3, '0')}${bytes.toString('hex')}`;
}
