import { Injectable } from '@nestjs/common';
import { prepared } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';
import { type SealedValue } from '../settings/secret-box';
import { type DeliveryAttempt, type DeliveryStatus } from './entities/webhook-delivery.entity';

/** Longer than an attempt takes; a claim that is older was a process's that died. */
const LEASE = `interval '30 seconds'`;
/** Endpoints that one look finds at most; the next goes on behind them. */
export const LANES_OF_A_LOOK = 500;
/** Users of one endpoint whose first delivery a claim looks at; the next goes on behind them. */
export const HEADS_OF_A_CLAIM = 256;
/** Attempts that are kept of a delivery, the latest: resending makes more than the plan has. */
const KEPT_ATTEMPTS = 30;

/** What waits for one endpoint: `ordered` and other deliveries are claimed in ways of their own. */
export interface Lane {
  endpointId: number;
  ordered: boolean;
}

/** What a claim asks for. */
export interface Asked {
  endpointId: number;
  /** How many may begin. */
  free: number;
  /** Ordered: the user behind whom it looks for others. */
  after: number;
}

/** A delivery that this process is to try, with all that it takes. */
export interface Claimed {
  id: string;
  endpointId: number;
  /** Fences off whoever claims it later. */
  claim: number;
  tries: number;
  ordered: boolean;
  url: string;
  secret: SealedValue;
  /** The secret before, while it signs too. */
  previous: SealedValue | null;
  /** Whether the endpoint is known to fail. */
  failing: boolean;
  eventId: string;
  eventType: string;
  /** The event's; null: it is not kept any more. */
  data: object | null;
  happenedAt: Date | null;
}

/** What became of a claimed delivery. */
export interface Result {
  id: string;
  claim: number;
  status: DeliveryStatus;
  /** The pause before the next try. */
  pauseSeconds: number;
  counts: boolean;
  attempt: DeliveryAttempt;
}

/** An endpoint `e`, of the user `u`, that is delivered to: enabled, and its user in good standing. */
const LIVE_ENDPOINT = `e.enabled AND (e.user_id IS NULL OR u.status = 'active')`;

/** Of the endpoints that are asked for, those that are delivered to. */
const LIVE = `
  asked AS MATERIALIZED (
    SELECT a.id, a.free, a.after FROM unnest($1::integer[], $2::integer[], $3::integer[]) AS a (id, free, after)
  ), live AS MATERIALIZED (
    SELECT a.id, a.free, a.after, e.url, e.secret, e.failing_since IS NOT NULL AS failing,
      CASE WHEN e.previous_expires_at > now() THEN e.previous_secret END AS previous
    FROM asked a JOIN webhook_endpoints e ON e.id = a.id LEFT JOIN users u ON u.id = e.user_id
    WHERE ${LIVE_ENDPOINT}
  )`;

const claimed = (source: string) => `
  claimed AS (
    UPDATE webhook_deliveries w SET due_at = now() + ${LEASE}, claims = w.claims + 1
    WHERE w.id = ANY (ARRAY(${source}))
    RETURNING w.id, w.endpoint_id, w.event_id, w.event_type, w.claims, w.tries, w.ordered
  )`;

const CLAIMED_COLUMNS = `c.id, c.endpoint_id AS "endpointId", c.claims AS claim, c.tries, c.ordered, l.url, l.secret, l.previous, l.failing,
  c.event_id AS "eventId", c.event_type AS "eventType", v.data, v.created_at AS "happenedAt"`;

const CLAIM = prepared(
  'claim deliveries',
  `WITH ${LIVE}, due AS MATERIALIZED (
     SELECT d.id FROM live l CROSS JOIN LATERAL (
       SELECT w.id FROM webhook_deliveries w
       WHERE w.endpoint_id = l.id AND w.status = 'waiting' AND NOT w.ordered AND w.due_at <= now()
       ORDER BY w.due_at LIMIT l.free FOR UPDATE SKIP LOCKED
     ) d
   ), ${claimed('SELECT id FROM due')}
   SELECT ${CLAIMED_COLUMNS} FROM claimed c JOIN live l ON l.id = c.endpoint_id LEFT JOIN events v ON v.id = c.event_id ORDER BY c.id`,
);

/**
 * Of each user only the first delivery that waits, found by jumping from user to user: how many wait behind one costs nothing. One
 * that is being tried waits as well, so nothing behind it is eligible. `heads` is read without a lock; what another process
 * claimed or ended meanwhile is left out when its row is locked.
 */
const CLAIM_HEADS = prepared(
  'claim first deliveries',
  `WITH ${LIVE}, heads AS MATERIALIZED (
     SELECT l.id AS endpoint, l.free, h.id, h.subject, h.due_at, h.n FROM live l CROSS JOIN LATERAL (
       WITH RECURSIVE head AS (
         (SELECT w.subject, w.id, w.due_at, 1 AS n FROM webhook_deliveries w
          WHERE w.endpoint_id = l.id AND w.status = 'waiting' AND w.ordered AND w.subject > l.after ORDER BY w.subject, w.id LIMIT 1)
         UNION ALL
         SELECT next.* FROM head p CROSS JOIN LATERAL (
           SELECT w.subject, w.id, w.due_at, p.n + 1 FROM webhook_deliveries w
           WHERE w.endpoint_id = l.id AND w.status = 'waiting' AND w.ordered AND w.subject > p.subject ORDER BY w.subject, w.id LIMIT 1
         ) next WHERE p.n < ${HEADS_OF_A_CLAIM}
       )
       SELECT * FROM head
     ) h
   ), eligible AS MATERIALIZED (
     SELECT r.id, r.endpoint, r.subject FROM (
       SELECT h.*, row_number() OVER (PARTITION BY h.endpoint ORDER BY h.subject) AS place FROM heads h WHERE h.due_at <= now()
     ) r WHERE r.place <= r.free
   ), due AS MATERIALIZED (
     SELECT w.id FROM webhook_deliveries w
     WHERE w.id = ANY (ARRAY(SELECT id FROM eligible)) AND w.status = 'waiting' AND w.due_at <= now() FOR UPDATE SKIP LOCKED
   ), ${claimed('SELECT id FROM due')}, looked AS (
     SELECT h.endpoint, max(h.n) AS n, max(h.subject) AS last, max(h.free) AS free,
       (SELECT count(*) FROM eligible e WHERE e.endpoint = h.endpoint) AS found, (SELECT max(e.subject) FROM eligible e WHERE e.endpoint = h.endpoint) AS reached
     FROM heads h GROUP BY h.endpoint
   )
   SELECT k.endpoint AS "laneId", CASE WHEN k.found >= k.free THEN k.reached WHEN k.n >= ${HEADS_OF_A_CLAIM} THEN k.last END AS after, ${CLAIMED_COLUMNS}
   FROM looked k LEFT JOIN claimed c ON c.endpoint_id = k.endpoint LEFT JOIN live l ON l.id = c.endpoint_id LEFT JOIN events v ON v.id = c.event_id ORDER BY c.id`,
);

const lanes = (condition: string, order: string) => `
  SELECT w.endpoint_id, w.due_at FROM webhook_deliveries w WHERE w.status = 'waiting' AND ${condition}
  ORDER BY w.endpoint_id, ${order} LIMIT 1`;

/** Whether a lane's endpoint is delivered to. What waits for another is not asked for: it would be once a second, for as long as that lasts. */
const IS_LIVE = `EXISTS (SELECT FROM webhook_endpoints e LEFT JOIN users u ON u.id = e.user_id WHERE e.id = endpoint_id AND ${LIVE_ENDPOINT})`;

/** Endpoints with something that is due, found by jumping from one to the next: a backlog costs no more than a single delivery. */
const LOOK = prepared(
  'endpoints with deliveries due',
  `WITH RECURSIVE lane AS (
     (${lanes('NOT w.ordered AND w.endpoint_id > $1', 'w.due_at')})
     UNION ALL
     SELECT next.* FROM lane p CROSS JOIN LATERAL (${lanes('NOT w.ordered AND w.endpoint_id > p.endpoint_id', 'w.due_at')}) next
   ), ordered AS (
     (${lanes('w.ordered AND w.endpoint_id > $1', 'w.subject, w.id')})
     UNION ALL
     SELECT next.* FROM ordered p CROSS JOIN LATERAL (${lanes('w.ordered AND w.endpoint_id > p.endpoint_id', 'w.subject, w.id')}) next
   )
   (SELECT endpoint_id AS "endpointId", false AS ordered, due_at <= now() AND ${IS_LIVE} AS due FROM lane LIMIT ${LANES_OF_A_LOOK})
   UNION ALL
   (SELECT endpoint_id, true, ${IS_LIVE} FROM ordered LIMIT ${LANES_OF_A_LOOK})`,
);

const FINISH = prepared(
  'finish deliveries',
  `WITH result AS MATERIALIZED (
     SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (id bigint, claim integer, status text, "pauseSeconds" float8, counts boolean, attempt jsonb)
   ), done AS (
     UPDATE webhook_deliveries w SET status = r.status, tries = w.tries + r.counts::integer,
       due_at = now() + make_interval(secs => r."pauseSeconds"),
       finished_at = CASE WHEN r.status <> 'waiting' THEN now() END,
       attempts = CASE WHEN jsonb_array_length(w.attempts) >= ${KEPT_ATTEMPTS} THEN w.attempts - 0 ELSE w.attempts END || r.attempt
     FROM result r WHERE w.id = r.id AND w.status = 'waiting' AND (w.claims = r.claim OR r.status = 'delivered')
     RETURNING w.id
   )
   SELECT count(*)::integer AS count FROM done`,
);

/** What the dispatcher asks of the deliveries. All of it costs the same however many wait, and for whom. */
@Injectable()
export class DispatchRepository {
  constructor(private readonly statements: StatementPool) {}

  /** Leases what is due, for each endpoint at most as many as it asks for. */
  claim(asked: readonly Asked[]): Promise<Claimed[]> {
    return this.statements.run<Claimed>(CLAIM, valuesOf(asked));
  }

  /**
   * The same where the order of each user is kept. `after`: where the next claim of the endpoint looks on; endpoints that are not in it have
   * been looked through.
   */
  async claimHeads(asked: readonly Asked[]): Promise<{ claimed: Claimed[]; after: Map<number, number> }> {
    const rows = await this.statements.run<Claimed & { laneId: number; after: number | null }>(CLAIM_HEADS, valuesOf(asked));
    const after = new Map(rows.flatMap((row) => (row.after === null ? [] : [[row.laneId, row.after]])));
    return { claimed: rows.filter(({ id }) => id !== null), after };
  }

  /** Endpoints behind the one given for which something is due. A lane with `due: false` has deliveries that wait for a later time, or for their endpoint. */
  look(after: number): Promise<(Lane & { due: boolean })[]> {
    return this.statements.run(LOOK, [after]);
  }

  /** Writes what became of claimed deliveries. A failure counts only while nobody else has claimed the delivery, a success always. */
  async finish(results: readonly Result[]): Promise<void> {
    await this.statements.run(FINISH, [JSON.stringify(results)]);
  }
}

function valuesOf(asked: readonly Asked[]): unknown[] {
  return [asked.map(({ endpointId }) => endpointId), asked.map(({ free }) => free), asked.map(({ after }) => after)];
}
