import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type RecordedEvent } from '../outbox/event-consumer';
import { type Lane } from './dispatch.repository';

/** A filter that chooses the type `v.type`: itself, its group, or all. */
const CHOOSES = `e.events && ARRAY[v.type, split_part(v.type, '.', 1) || '.*', '*']`;

@Injectable()
export class FanOutRepository {
  /**
   * Writes a delivery for each event and each endpoint that asked for it, in the order of the events. @returns the endpoints
   *
   * @param firstPauseSeconds before the first try
   */
  async fanOut(tx: EntityManager, events: readonly RecordedEvent[], firstPauseSeconds: number): Promise<Lane[]> {
    return tx.query(
      `WITH made AS (
         INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, subject, ordered, due_at)
         SELECT m.endpoint_id, m.id, m.type, m.user_id, m.ordered, now() + make_interval(secs => $5)
         FROM (
           SELECT v.*, e.id AS endpoint_id, e.ordered FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[]) WITH ORDINALITY AS v (id, type, user_id, about, place)
           JOIN webhook_endpoints e ON e.user_id = v.user_id JOIN users u ON u.id = e.user_id AND u.status = 'active'
           WHERE e.enabled AND v.about <> e.id AND ${CHOOSES}
           UNION ALL
           SELECT v.*, e.id, e.ordered FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::integer[]) WITH ORDINALITY AS v (id, type, user_id, about, place)
           JOIN webhook_endpoints e ON e.user_id IS NULL
           WHERE e.enabled AND v.about <> e.id AND ${CHOOSES}
         ) m ORDER BY m.place
         RETURNING endpoint_id, ordered
       )
       SELECT DISTINCT endpoint_id AS "endpointId", ordered FROM made`,
      [
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map(({ userId }) => userId ?? 0),
        events.map(({ data }) => (typeof data.endpointId === 'number' ? data.endpointId : 0)),
        firstPauseSeconds,
      ],
    );
  }
}
