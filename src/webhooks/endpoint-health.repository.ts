import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { prepared } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';

/** An endpoint that came nearer to being disabled, or was. */
export interface Decline {
  id: number;
  userId: number | null;
  url: string;
  enabled: boolean;
  percent: number;
  failingSince: Date;
  disablesAt: Date;
}

const RECOVERED = prepared(
  'endpoints recovered',
  `UPDATE webhook_endpoints SET failing_since = NULL, failing_percent = 0 WHERE id = ANY ($1::integer[]) AND failing_since IS NOT NULL`,
);

const DECLINE = `e.id, e.user_id AS "userId", e.url, e.enabled, e.failing_percent AS percent, e.failing_since AS "failingSince",
  e.failing_since + make_interval(hours => $2) AS "disablesAt"`;

@Injectable()
export class EndpointHealthRepository {
  constructor(private readonly statements: StatementPool) {}

  async recovered(ids: readonly number[]): Promise<void> {
    await this.statements.run(RECOVERED, [ids]);
  }

  /** Notes failures. @returns those that passed a threshold by it, each threshold once whatever the number of processes */
  async failed(tx: EntityManager, ids: readonly number[], disableAfterHours: number, thresholds: readonly number[]): Promise<Decline[]> {
    const [rows] = await tx.query<[(Decline & { passed: boolean })[], number]>(
      `UPDATE webhook_endpoints e SET failing_since = coalesce(e.failing_since, now()), failing_percent = n.percent,
         enabled = n.percent < 100, disabled_reason = CASE WHEN n.percent >= 100 THEN 'failing' END,
         updated_at = CASE WHEN n.percent >= 100 THEN now() ELSE e.updated_at END
       FROM (
         SELECT o.id, coalesce((
           SELECT max(t) FROM unnest($3::integer[] || 100) t WHERE o.failing_since + make_interval(hours => $2) * (t / 100.0::float8) <= now()
         ), 0)::smallint AS percent FROM webhook_endpoints o WHERE o.id = ANY ($1::integer[])
       ) n
       WHERE e.id = n.id AND e.enabled AND (e.failing_since IS NULL OR n.percent > e.failing_percent)
       RETURNING ${DECLINE}`,
      [ids, disableAfterHours, thresholds],
    );
    return rows.filter(({ percent }) => percent > 0);
  }

  /** Disables endpoints that ask never to be sent anything again. @returns those that were enabled */
  async gone(tx: EntityManager, ids: readonly number[], disableAfterHours: number): Promise<Decline[]> {
    const [rows] = await tx.query<[Decline[], number]>(
      `UPDATE webhook_endpoints e SET enabled = false, disabled_reason = 'gone', updated_at = now(), failing_since = coalesce(e.failing_since, now())
       WHERE e.id = ANY ($1::integer[]) AND e.enabled RETURNING ${DECLINE}`,
      [ids, disableAfterHours],
    );
    return rows;
  }
}
