import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

const BATCH = 1_000;
/** Above this, what waits is not counted. */
const MAX_COUNTED = 10_000;

@Injectable()
export class DeliveriesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Writes a delivery of an event to one endpoint, whatever it asked for. It is kept in no order. @returns its id */
  async insert(tx: EntityManager, endpointId: number, eventId: string): Promise<string> {
    const [{ id }] = await tx.query<[{ id: string }]>(
      `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, subject, ordered)
       SELECT $1::integer, v.id, v.type, coalesce(v.user_id, 0), false FROM events v WHERE v.id = $2 RETURNING id`,
      [endpointId, eventId],
    );
    return id;
  }

  /** Begins the plan of a delivery anew. Nothing waits for it: order is for what comes for the first time. */
  async resend(tx: EntityManager, id: string): Promise<void> {
    await tx.query(
      `UPDATE webhook_deliveries SET status = 'waiting', tries = 0, claims = claims + 1, ordered = false, due_at = now(), finished_at = NULL WHERE id = $1`,
      [id],
    );
  }

  /** Whether there is no first attempt to wait for: it was made, or none will be while the endpoint is disabled, its user suspended, or gone. */
  async isTried(id: string): Promise<boolean> {
    const [row] = await this.dataSource.query<[{ tried: boolean }?]>(
      `SELECT w.attempts <> '[]' OR NOT (e.enabled AND (e.user_id IS NULL OR u.status = 'active')) AS tried
       FROM webhook_deliveries w JOIN webhook_endpoints e ON e.id = w.endpoint_id LEFT JOIN users u ON u.id = e.user_id WHERE w.id = $1`,
      [id],
    );
    return row?.tried ?? true;
  }

  /** Removes a batch of the oldest deliveries, of those that are older than so many days. @returns how many */
  async removeOlderThan(days: number): Promise<number> {
    return this.count(
      `DELETE FROM webhook_deliveries WHERE id IN (
         SELECT id FROM (SELECT id, created_at FROM webhook_deliveries ORDER BY id LIMIT ${BATCH}) w WHERE created_at < now() - make_interval(days => $1))`,
      [days],
    );
  }

  /** The endpoints behind the one given that have deliveries and are not there any more, found by jumping from endpoint to endpoint. */
  async orphans(after: number): Promise<{ endpointId: number; gone: boolean }[]> {
    return this.dataSource.query(
      `WITH RECURSIVE found AS (
         (SELECT endpoint_id FROM webhook_deliveries WHERE endpoint_id > $1 ORDER BY endpoint_id LIMIT 1)
         UNION ALL
         SELECT n.endpoint_id FROM found f CROSS JOIN LATERAL (
           SELECT w.endpoint_id FROM webhook_deliveries w WHERE w.endpoint_id > f.endpoint_id ORDER BY w.endpoint_id LIMIT 1
         ) n
       )
       SELECT f.endpoint_id AS "endpointId", NOT EXISTS (SELECT FROM webhook_endpoints e WHERE e.id = f.endpoint_id) AS gone FROM found f LIMIT ${BATCH}`,
      [after],
    );
  }

  /** Removes a batch of an endpoint's deliveries. @returns how many */
  async removeOf(endpointId: number): Promise<number> {
    return this.count(`DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE endpoint_id = $1 ORDER BY id LIMIT ${BATCH})`, [
      endpointId,
    ]);
  }

  /** How many deliveries wait, counted up to 10,000: what a scrape costs must not grow with a backlog. */
  async waiting(): Promise<number> {
    const [{ count }] = await this.dataSource.query<[{ count: number }]>(
      `SELECT least(${MAX_COUNTED}, (SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE status = 'waiting' AND NOT ordered LIMIT ${MAX_COUNTED}) w)
         + (SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE status = 'waiting' AND ordered LIMIT ${MAX_COUNTED}) w))::integer AS count`,
    );
    return count;
  }

  private async count(statement: string, values: unknown[]): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(statement, values);
    return count;
  }
}
