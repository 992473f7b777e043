import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';

@Injectable()
export class OperatorAlertsRepository {
  /** Whether this caller is to alert, of any number at once: nobody did for so many hours. Noted with the caller's transaction. */
  async isDue(tx: EntityManager, type: string, hours: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(
      `INSERT INTO operator_alerts (type) VALUES ($1)
       ON CONFLICT (type) DO UPDATE SET alerted_at = now() WHERE operator_alerts.alerted_at <= now() - make_interval(hours => $2)
       RETURNING type`,
      [type, hours],
    );
    return rows.length > 0;
  }
}
