import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';

/** Events that one step looks at. */
const LOOKED_AT = 1_000;
/** While so many of its deliveries wait, a replay waits too: a replay of everything does not become rows all at once. */
const MAX_WAITING = 2_000;
/** An event waits for its position no longer than this while a replica runs. */
const MAX_UNPUBLISHED = `interval '1 hour'`;

/** An endpoint with a replay under way, held to the end of the transaction. */
export interface RunningReplay {
  id: number;
  userId: number | null;
  ordered: boolean;
  position: string;
  end: string;
}

@Injectable()
export class ReplayRepository {
  /**
   * Begins a replay, unless there is one. Positions grow with the time at which they were given, which is that of the event or a little
   * later, so the range of time is one of positions; within it each event's own time counts.
   */
  async begin(tx: EntityManager, endpointId: number, since: string, until: string | null): Promise<{ since: Date; until: Date } | null> {
    const [rows] = await tx.query<[{ since: Date; until: Date }[], number]>(
      `UPDATE webhook_endpoints SET replay_since = $2::timestamptz, replay_until = coalesce($3::timestamptz, now()),
         replay_position = coalesce((SELECT e.position - 1 FROM events e WHERE e.published_at >= $2::timestamptz ORDER BY e.published_at, e.position LIMIT 1),
           (SELECT coalesce(max(e.position), 0) FROM events e)),
         replay_end = coalesce((SELECT e.position FROM events e WHERE e.published_at >= coalesce($3::timestamptz, now()) + ${MAX_UNPUBLISHED}
           ORDER BY e.published_at, e.position LIMIT 1), (SELECT coalesce(max(e.position), 0) FROM events e))
       WHERE id = $1 AND replay_position IS NULL RETURNING replay_since AS since, replay_until AS until`,
      [endpointId, since, until],
    );
    return rows[0] ?? null;
  }

  /** One endpoint whose replay nobody else carries on, of those that have room; null: there is none. */
  async hold(tx: EntityManager, after: number): Promise<RunningReplay | null> {
    const rows: RunningReplay[] = await tx.query(
      `SELECT e.id, e.user_id AS "userId", e.ordered, e.replay_position AS position, e.replay_end AS "end" FROM webhook_endpoints e
       WHERE e.replay_position IS NOT NULL AND e.id > $1 AND e.enabled ORDER BY e.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`,
      [after],
    );
    return rows[0] ?? null;
  }

  /** Whether few enough of its deliveries wait. */
  async hasRoom(tx: EntityManager, { id, ordered }: RunningReplay): Promise<boolean> {
    const [{ count }] = await tx.query<[{ count: number }]>(
      `SELECT count(*)::integer AS count FROM (
         SELECT FROM webhook_deliveries w WHERE w.endpoint_id = $1 AND w.status = 'waiting' AND ${ordered ? '' : 'NOT '}w.ordered LIMIT ${MAX_WAITING}) w`,
      [id],
    );
    return count < MAX_WAITING;
  }

  /** Makes deliveries of the next events that the endpoint asks for, and moves its position past all that were looked at. @returns whether any were made */
  async step(tx: EntityManager, { id, userId, position, end }: RunningReplay): Promise<boolean> {
    const ofOwner = userId === null ? '' : 'AND v.user_id = $4';
    const [{ made }] = await tx.query<[{ made: number }]>(
      `WITH looked AS MATERIALIZED (
         SELECT v.* FROM events v WHERE v.position > $2 AND v.position <= $3 ${ofOwner} ORDER BY v.position LIMIT ${LOOKED_AT}
       ), made AS (
         INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, subject, ordered)
         SELECT e.id, v.id, v.type, coalesce(v.user_id, 0), e.ordered FROM looked v JOIN webhook_endpoints e ON e.id = $1
         WHERE e.events && ARRAY[v.type::text, split_part(v.type, '.', 1) || '.*', '*'] AND v.type <> 'webhook.test' AND v.created_at >= e.replay_since AND v.created_at < e.replay_until
           AND (v.data ->> 'endpointId') IS DISTINCT FROM e.id::text
         ORDER BY v.position RETURNING id
       ), moved AS (
         UPDATE webhook_endpoints e SET replay_position = CASE WHEN l.count = ${LOOKED_AT} THEN l.last END,
           replay_end = CASE WHEN l.count = ${LOOKED_AT} THEN e.replay_end END,
           replay_since = CASE WHEN l.count = ${LOOKED_AT} THEN e.replay_since END, replay_until = CASE WHEN l.count = ${LOOKED_AT} THEN e.replay_until END
         FROM (SELECT count(*) AS count, max(position) AS last FROM looked) l WHERE e.id = $1
       )
       SELECT count(*)::integer AS made FROM made`,
      userId === null ? [id, position, end] : [id, position, end, userId],
    );
    return made > 0;
  }
}
