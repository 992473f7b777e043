import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type Actor } from '../common/principal';
import { Connections } from '../database/connections';
import { BRIEF_LOCK_MS, PATIENT_LOCK_MS } from '../database/isolated-commit';
import { prepared } from '../database/prepared-statements';
import { type Run, StatementPool } from '../database/statement-pool';
import { MAX_UNITS } from './charge.sql';
import { type RequestStatus } from './entities/request.entity';
import { endingsOf } from './event-rows.sql';
import { returned } from './forms.sql';
import { isCounter, limitsCharged } from './limits.sql';
import { type RefundPolicy } from './ledger.settings';
import { OWNER_ZONE } from './owner-zone.sql';
import { REQUEST_JSON } from './request-row';

/** What is asked of one request: by its worker, its owner, or the clock (`sweep`). */
export interface Transition {
  act: 'heartbeat' | 'complete' | 'fail' | 'cancel' | 'sweep';
  id: string;
  /** The attempt that the worker was given. */
  attempt?: number;
  /** The only user whose request it may be; absent: anybody's. */
  owner?: number;
  /** Units that the work came to. */
  units?: number;
  /** JSON texts. */
  resultJson?: string;
  errorJson?: string;
  retryable?: boolean;
  /** With `retryable`: the pause before the next attempt, doubled with each, in seconds. */
  retry?: { baseSeconds: number; maxSeconds: number };
  leaseSeconds?: number;
  /** A cancel that ends a reservation at once, rather than ask its holder to. */
  force?: boolean;
}

/** What the settings grant those who do not succeed. */
export interface RefundRules {
  policy: RefundPolicy;
  /** Units for one user and day; null: no cap. */
  dailyCap: number | null;
}

/**
 * `late`: the clock was faster and has ended the request. `refused`: the request is in another state, or with another
 * attempt. `deferred`: needs the statement that refunds. `busy`: somebody holds a row that it needs.
 */
export interface Outcome {
  verdict: 'done' | 'late' | 'refused' | 'over-cost' | 'unknown' | 'deferred' | 'busy';
  currentStatus: RequestStatus;
  currentAttempt: number;
  cost: number;
  refunded: number;
  leaseExpiresAt: Date | null;
  cancelRequested: boolean;
  /** The request as the transition left it, as JSON; null when it changed nothing, and where nobody reads it: of heartbeats and sweeps. */
  json: string | null;
}

const ITEM = `id uuid, act text, attempt integer, owner integer, units integer, result jsonb, error jsonb, retryable boolean, retry_base integer, retry_max integer, lease integer, force boolean`;
const ITEM_NAMES = ITEM.replaceAll(/ \w+(?=,|$)/g, '');

/** Past its deadline, or a reservation whose lease has run out: ended by the clock, whoever notices. */
const OVERDUE = `(t.deadline_at <= now() OR t.held AND t.lease_expires_at <= now())`;

/** Sums are of 64 bits; the counters of what was refunded stop at their end, so no refund ever fails for arithmetic. */
const upTo = (sum: string): string => `least(${MAX_UNITS}, ${sum})::integer`;

const accounts = (skips: boolean): string => `account AS MATERIALIZED (
  SELECT u.id, u.quota_reset_date AS day, u.quota_reset_fold AS fold FROM users u
  WHERE u.id = ANY (ARRAY(SELECT r.user_id FROM requests r WHERE r.id = ANY (ARRAY(SELECT id FROM item))))
  ORDER BY u.id FOR NO KEY UPDATE${skips ? ' SKIP LOCKED' : ''}
), `;

/** Capped keys of all requests of the batch, as far as nobody holds them; what needs another one is busy. */
const FREE_KEYS = `key AS MATERIALIZED (
  SELECT k.id, k.user_id, k.cap_reset_date AS day, k.cap_reset_fold AS fold FROM api_keys k
  WHERE k.id = ANY (ARRAY(SELECT api_key_id FROM target)) AND k.daily_cap IS NOT NULL
  ORDER BY k.id FOR NO KEY UPDATE SKIP LOCKED
), `;

const KEYS_OF_REFUNDS = `key AS MATERIALIZED (
  SELECT k.id, k.user_id, k.cap_reset_date AS day, k.cap_reset_fold AS fold FROM api_keys k
  WHERE k.id = ANY (ARRAY(SELECT api_key_id FROM granted WHERE granted > 0)) AND k.daily_cap IS NOT NULL
  ORDER BY k.id FOR NO KEY UPDATE
), `;

/** What an operator does to somebody's request is in the audit log by the statement that does it, or neither is done. */
const AUDITED = `, audited AS (
  INSERT INTO audit_events (actor_id, actor_kind, action, target_kind, target_id, before, after, request_id, actor_key_id, reason)
  SELECT $4::integer, $5, 'request.' || g.act, 'request', g.id::text, jsonb_build_object('status', g.status),
    jsonb_build_object('status', g.next, 'userId', g.user_id, 'refunded', g.granted), $6, $7::integer, $8::text
  FROM granted g WHERE g.outcome = 'done'
)`;

const HELD_REQUEST = `WHEN t.id IS NULL AND EXISTS (SELECT FROM requests b WHERE b.id = i.id) THEN 'busy'`;
const HELD_KEY = `WHEN EXISTS (SELECT FROM api_keys k WHERE k.id = t.api_key_id AND k.daily_cap IS NOT NULL)
        AND NOT EXISTS (SELECT FROM key c WHERE c.id = t.api_key_id) THEN 'busy'`;

/**
 * Gives what was granted back to the period that was charged. That is the day in the user's row, whether it is over by now
 * or not, as long as the row bears its name: whoever leaves the day archives what is left. Otherwise it was archived, and
 * ON CONFLICT finds the archive even if it was written while this statement waited for the user. The cap of the key that
 * paid is credited in the same period only; limits are those of the period that was charged, by the names that the request
 * bears. What was drawn on a grant goes back to the grant, be it over or revoked, and before anything goes back to the day.
 */
const refundsOf = (skips: boolean): string => `refund AS (
  SELECT g.user_id, g.charged_on, (g.charged_on, g.charged_fold) = (a.day, a.fold) AS open, sum(g.granted - g.undrawn) AS units, sum(g.unspent) AS overage
  FROM granted g JOIN account a ON a.id = g.user_id WHERE g.granted > g.undrawn OR g.unspent > 0 GROUP BY 1, 2, 3
), credited AS (
  UPDATE users u SET api_quota_used_today = greatest(0, u.api_quota_used_today - f.units),
    api_quota_refunded_today = ${upTo('u.api_quota_refunded_today + f.units')},
    quota_overage_today = CASE WHEN (u.quota_overage_date, u.quota_overage_fold) = (u.quota_reset_date, u.quota_reset_fold)
      THEN greatest(0, u.quota_overage_today - f.overage) ELSE u.quota_overage_today END
  FROM refund f WHERE f.open AND u.id = f.user_id
), archived AS (
  INSERT INTO quota_usage (user_id, date, used, refunded)
  SELECT user_id, charged_on, 0, ${upTo('units')} FROM refund WHERE NOT open AND units > 0
  ON CONFLICT (user_id, date) DO UPDATE SET used = greatest(0, quota_usage.used - excluded.refunded),
    refunded = ${upTo('quota_usage.refunded::bigint + excluded.refunded')}
), returned AS (
  UPDATE quota_grants q SET used = greatest(0, q.used - f.units)
  FROM (
    SELECT d.grant_id, sum(${returned('g.cost', 'g.refunded_units', '(g.refunded_units + g.granted)')})::integer AS units
    FROM granted g JOIN request_draws d ON d.request_id = g.id WHERE g.undrawn > 0 AND d.grant_id IS NOT NULL GROUP BY d.grant_id
  ) f WHERE q.id = f.grant_id AND f.units > 0
), overage_returned AS (
  UPDATE quota_overage o SET units = greatest(0, o.units - f.units)
  FROM (SELECT user_id, charged_on, charged_fold, sum(unspent)::integer AS units FROM granted WHERE unspent > 0 GROUP BY 1, 2, 3) f
  WHERE o.user_id = f.user_id AND o.date = f.charged_on AND o.fold = f.charged_fold
), unbound AS (
  UPDATE quota_limit_usage c SET used = greatest(0, c.used - f.units)
  FROM (
    SELECT g.user_id, l.name, l.period, l.starts_at, sum(g.granted)::integer AS units FROM granted g CROSS JOIN LATERAL ${limitsCharged('g')}
    WHERE g.granted > 0 GROUP BY 1, 2, 3, 4
  ) f WHERE ${isCounter('f')}
), ${skips ? '' : KEYS_OF_REFUNDS}uncapped AS (
  UPDATE api_keys k SET cap_used_today = greatest(0, k.cap_used_today - f.units)
  FROM (
    SELECT c.id, sum(g.granted) AS units FROM granted g JOIN key c ON c.id = g.api_key_id JOIN users o ON o.id = c.user_id
    WHERE CASE WHEN c.user_id = g.user_id THEN (c.day, c.fold) = (g.charged_on, g.charged_fold)
      ELSE c.day = quota_day_at(g.created_at, ${OWNER_ZONE}) END
    GROUP BY c.id
  ) f WHERE k.id = f.id
), `;

/**
 * Applies a batch of transitions, no two of one request. One statement: what ends a request also settles its units.
 *
 * Each is held against the request as it is once locked, whatever the snapshot saw, and the first that ends a request
 * stands: the others find it final. Users are locked before requests, requests before keys, each in id order, which is the
 * order of admission too, so none of them can deadlock. Refunds need the user; transitions that cannot refund (a heartbeat, a
 * completion at full cost) do without that lock, and are `deferred` when the clock has ended their request meanwhile. With
 * `skips` it waits for no row: what needs one that somebody holds is `busy`, and unchanged.
 */
const settleStatement = (refunds: boolean, skips: boolean, audited = false): string => `
WITH item AS MATERIALIZED (
  SELECT * FROM ROWS FROM (json_to_recordset($1) AS (${ITEM})) WITH ORDINALITY AS i(${ITEM_NAMES}, n)
), ${refunds ? accounts(skips) : ''}target AS MATERIALIZED (
  SELECT r.id, r.user_id, r.api_key_id, r.status, r.cost, r.drawn_units, r.limits_charged, r.refunded_units, r.charged_on, r.charged_fold, r.attempt, r.max_attempts,
    r.held, r.lease_expires_at, r.deadline_at, r.cancel_requested_at, r.created_at, r.started_at
  FROM requests r WHERE r.id = ANY (ARRAY(SELECT id FROM item)) ${refunds ? (skips ? 'AND r.user_id = ANY (ARRAY(SELECT id FROM account))' : 'AND (SELECT count(*) FROM account) >= 0') : ''}
  ORDER BY r.id FOR NO KEY UPDATE${skips ? ' SKIP LOCKED' : ''}
), ${refunds && skips ? FREE_KEYS : ''}judged AS (
  SELECT i.n, i.act, i.units AS stated, i.result, i.error AS given, i.retryable, i.retry_base, i.retry_max, i.lease, i.force, t.*, ${OVERDUE} AS overdue,
    CASE
      ${skips ? HELD_REQUEST : ''}
      WHEN t.id IS NULL OR t.user_id <> i.owner THEN 'unknown'
      ${refunds && skips ? HELD_KEY : ''}
      WHEN t.status NOT IN ('pending', 'processing') THEN 'refused'
      WHEN ${OVERDUE} THEN ${refunds ? `'late'` : `'deferred'`}
      WHEN i.act = 'sweep' THEN
        CASE WHEN t.lease_expires_at <= now() AND (t.cancel_requested_at IS NOT NULL OR t.attempt >= t.max_attempts) THEN 'late' ELSE 'refused' END
      WHEN i.act = 'cancel' THEN 'done'
      WHEN t.status <> 'processing' OR t.attempt <> i.attempt THEN 'refused'
      WHEN i.units > t.cost THEN 'over-cost'
      ELSE 'done'
    END AS outcome
  FROM item i LEFT JOIN target t USING (id)
), moved AS (
  SELECT j.*, CASE WHEN outcome = 'done' THEN stated END AS units,
    CASE
      WHEN outcome = 'late' THEN CASE
        WHEN deadline_at <= now() THEN 'expired'
        WHEN held THEN 'succeeded'
        WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
        ELSE 'failed'
      END
      WHEN act = 'heartbeat' THEN 'processing'
      WHEN act = 'complete' THEN 'succeeded'
      WHEN act = 'fail' THEN CASE
        WHEN cancel_requested_at IS NOT NULL THEN 'canceled'
        WHEN retryable AND NOT held AND attempt < max_attempts THEN 'pending'
        ELSE 'failed'
      END
      WHEN status = 'pending' OR held AND force THEN 'canceled'
      ELSE 'processing'
    END AS next
  FROM judged j WHERE outcome IN ('done', 'late')
), due AS (
  SELECT m.*, m.next NOT IN ('pending', 'processing') AS final, least(cost - refunded_units,
    CASE WHEN next IN ('pending', 'processing') THEN 0
      WHEN next = 'succeeded' THEN cost - coalesce(units, cost)
      ELSE CASE $2::json ->> CASE
          WHEN next = 'canceled' THEN CASE status WHEN 'pending' THEN 'canceledBeforeStart' ELSE 'canceledWhileProcessing' END
          WHEN next = 'expired' AND attempt > 0 THEN 'expiredWhileProcessing'
          ELSE next
        END
        WHEN 'all' THEN cost WHEN 'none' THEN 0 ELSE cost - coalesce(units, 0) END
    END) AS due
  FROM moved m
), granted AS MATERIALIZED (
  SELECT g.*, CASE WHEN undrawn > 0 THEN (
      SELECT coalesce(sum(${returned('g.cost', 'g.refunded_units', '(g.refunded_units + g.granted)')}), 0) FROM request_draws d WHERE d.request_id = g.id AND d.source = 'overage'
    ) ELSE 0 END AS unspent
  FROM (SELECT d.*, least(drawn_units, refunded_units + granted) - least(drawn_units, refunded_units) AS undrawn
  FROM (SELECT d.*, CASE WHEN next = 'succeeded' OR $3::integer IS NULL THEN due ELSE greatest(0, least(due, $3
      - (SELECT coalesce(sum(r.refunded_units), 0) FROM requests r WHERE r.user_id = d.user_id AND r.charged_on = d.charged_on
          AND r.charged_fold = d.charged_fold AND r.refunded_units > 0 AND r.status IN ('failed', 'canceled', 'expired'))
      - (sum(due) OVER (PARTITION BY user_id, charged_on, charged_fold, next = 'succeeded' ORDER BY n) - due)))
    END::integer AS granted
  FROM due d) d) g
), ${refunds ? refundsOf(skips) : ''}given_back AS (
  INSERT INTO request_attempts (request_id, attempt, outcome, error, started_at)
  SELECT id, attempt, 'returned', given, coalesce(started_at, created_at) FROM granted WHERE next = 'pending'
), ended AS (
  UPDATE requests r SET status = g.next, refunded_units = r.refunded_units + g.granted,
    result = CASE WHEN g.outcome = 'done' AND g.next = 'succeeded' THEN g.result ELSE r.result END,
    error = CASE
      WHEN g.next = 'succeeded' THEN NULL
      WHEN g.outcome = 'done' AND g.act = 'fail' THEN g.given
      WHEN g.outcome = 'late' AND g.next = 'expired' THEN '{"code": "deadline-passed"}'
      WHEN g.outcome = 'late' AND g.next = 'failed' THEN '{"code": "attempts-exhausted"}'
      ELSE r.error
    END,
    available_at = CASE WHEN g.next = 'pending' THEN
      now() + make_interval(secs => least(g.retry_max, g.retry_base * 2 ^ (g.attempt - 1)) * (0.5 + random() / 2)) END,
    lease_expires_at = CASE WHEN g.next = 'processing' THEN
      CASE WHEN g.act = 'heartbeat' THEN least(now() + make_interval(secs => g.lease), r.deadline_at) ELSE r.lease_expires_at END END,
    cancel_requested_at = CASE WHEN g.act = 'cancel' THEN coalesce(r.cancel_requested_at, now()) ELSE r.cancel_requested_at END,
    finished_at = CASE WHEN g.final THEN now() END,
    updated_at = CASE WHEN g.act = 'heartbeat' THEN r.updated_at ELSE now() END
  FROM granted g WHERE r.id = g.id
  RETURNING r.*
), recorded AS (${endingsOf('ended')})${audited ? AUDITED : ''}
SELECT j.outcome, coalesce(r.status, j.status), j.attempt, j.cost, coalesce(g.granted, 0), r.lease_expires_at, r.cancel_requested_at IS NOT NULL,
  CASE WHEN j.outcome = 'done' AND j.act NOT IN ('heartbeat', 'sweep') THEN ${REQUEST_JSON} END
FROM judged j LEFT JOIN granted g USING (n) LEFT JOIN ended r ON r.id = g.id ORDER BY j.n
`;

const LIGHT = prepared('settle', settleStatement(false, false), 'array');
const FULL = prepared('settle and refund', settleStatement(true, false), 'array');
const FULL_AUDITED = prepared('settle and refund audited', settleStatement(true, false, true), 'array');
const LIGHT_SKIPPING = prepared('settle skips', settleStatement(false, true), 'array');
const FULL_SKIPPING = prepared('settle and refund skips', settleStatement(true, true), 'array');

const lockUsers = (skips: boolean): string =>
  `SELECT u.id FROM users u WHERE u.id = ANY (ARRAY(SELECT r.user_id FROM requests r WHERE r.id = ANY ($1::uuid[]))) ORDER BY u.id FOR NO KEY UPDATE${
    skips ? ' SKIP LOCKED' : ''
  }`;
const LOCK_USERS = prepared('lock users', lockUsers(false));
const LOCK_FREE_USERS = prepared('lock users skips', lockUsers(true));

type Row = [Outcome['verdict'], RequestStatus, currentAttempt: number, cost: number, refunded: number, leaseExpiresAt: Date | null, boolean, string | null];

/** How a batch of transitions is applied. */
export interface Application {
  /** False: only transitions that cannot refund. */
  refunds: boolean;
  /** Answers `busy` what somebody holds a row of, and waits for nobody. */
  skips: boolean;
}

@Injectable()
export class SettlementRepository implements OnApplicationShutdown {
  /** Waits for locks for a moment only. */
  readonly main: StatementPool;
  /** Where what waits for locked rows may wait. */
  readonly lane: StatementPool;

  constructor(connections: Connections) {
    const pool = (application: string, size: number, lock_timeout: number) => new StatementPool(connections, { application, size, settings: { lock_timeout } });
    this.main = pool('quotidian settlement', 2, BRIEF_LOCK_MS);
    this.lane = pool('quotidian settlement lane', 1, PATIENT_LOCK_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.main.onApplicationShutdown(), this.lane.onApplicationShutdown()]);
  }

  /** One outcome for each transition, in the same order. */
  async apply(run: Run, transitions: readonly Transition[], { policy, dailyCap }: RefundRules, { refunds, skips }: Application): Promise<Outcome[]> {
    const values = [`[${transitions.map(toItem).join()}]`, JSON.stringify(policy), dailyCap];
    const statement = refunds ? (skips ? FULL_SKIPPING : FULL) : skips ? LIGHT_SKIPPING : LIGHT;
    return (await run<Row>(statement, values)).map(toOutcome);
  }

  /** What an operator asks for, with its event in the audit log. */
  async applyAudited(
    run: Run,
    transition: Transition,
    { policy, dailyCap }: RefundRules,
    { id, kind, requestId, keyId = null, reason = null }: Actor,
  ): Promise<Outcome> {
    const values = [`[${toItem(transition)}]`, JSON.stringify(policy), dailyCap, id, kind, requestId, keyId, reason];
    const [outcome] = (await run<Row>(FULL_AUDITED, values)).map(toOutcome);
    return outcome as Outcome;
  }

  /** Locks the users of these requests: what others committed until then is seen by the transaction's next statement. */
  async lockUsers(run: Run, transitions: readonly Transition[], skips: boolean): Promise<void> {
    await run(skips ? LOCK_FREE_USERS : LOCK_USERS, [transitions.map(({ id }) => id)]);
  }
}

function toOutcome([verdict, currentStatus, currentAttempt, cost, refunded, leaseExpiresAt, cancelRequested, json]: Row): Outcome {
  return { verdict, currentStatus, currentAttempt, cost, refunded, leaseExpiresAt, cancelRequested, json };
}

function toItem({ act, id, attempt, owner, units, resultJson, errorJson, retryable, retry, leaseSeconds, force }: Transition): string {
  const [retry_base, retry_max] = [retry?.baseSeconds, retry?.maxSeconds];
  const rest = JSON.stringify({ id, act, attempt, owner, units, retryable, retry_base, retry_max, lease: leaseSeconds, force });
  return `${rest.slice(0, -1)},"result":${resultJson ?? 'null'},"error":${errorJson ?? 'null'}}`;
}
