import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

@Injectable()
export class MeteringRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * A charge that still pays for its work, and whether it is to be settled yet; null: it was given back, or retention took its
   * row, so that nobody knows.
   */
  async standing(chargeId: string): Promise<{ cost: number; isOpen: boolean } | null> {
    const rows: { cost: number; isOpen: boolean }[] = await this.dataSource.query(
      `SELECT cost, status = 'processing' AS "isOpen" FROM requests
       WHERE id = $1 AND (refunded_units = 0 OR (refunded_units < cost AND status NOT IN ('failed', 'canceled', 'expired')))`,
      [chargeId],
    );
    return rows[0] ?? null;
  }

  /** Lets the key be charged anew. Only while it stands for that charge: another call may have been quicker. */
  async forget(userId: number, key: string, chargeId: string): Promise<void> {
    await this.dataSource.query(`DELETE FROM idempotency_keys WHERE user_id = $1 AND scope = 'metered' AND key = $2 AND request_id = $3`, [
      userId,
      key,
      chargeId,
    ]);
  }
}
