import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Overage } from '../ledger/entities/user-quota-forms.entity';

@Injectable()
export class UserFormsRepository {
  /** Locks the user's row, as charges do. False: no such user. */
  async lockUser(tx: EntityManager, userId: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(`SELECT id FROM users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE`, [userId]);
    return rows.length === 1;
  }

  /** The user's own overage, right under `lockUser`; null: the plan's. */
  async overage(tx: EntityManager, userId: number): Promise<Overage | null> {
    const rows: { overage: Overage | null }[] = await tx.query(`SELECT overage FROM user_quota_forms WHERE user_id = $1`, [userId]);
    return rows[0]?.overage ?? null;
  }

  /** Whether the user's quota is tried out, right under `lockUser`; null: as the plan has it. */
  async shadow(tx: EntityManager, userId: number): Promise<boolean | null> {
    const rows: { shadow: boolean | null }[] = await tx.query(`SELECT shadow FROM user_quota_forms WHERE user_id = $1`, [userId]);
    return rows[0]?.shadow ?? null;
  }

  async setShadow(tx: EntityManager, userId: number, shadow: boolean | null): Promise<void> {
    await tx.query(
      `INSERT INTO user_quota_forms (user_id, shadow) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET shadow = excluded.shadow, updated_at = now()`,
      [userId, shadow],
    );
    await this.forgetEmpty(tx, userId);
  }

  /** Writes it; a trigger marks the user, and the mark goes with housekeeping. */
  async setOverage(tx: EntityManager, userId: number, overage: Overage | null): Promise<void> {
    await tx.query(
      `INSERT INTO user_quota_forms (user_id, overage) VALUES ($1, $2::jsonb)
         ON CONFLICT (user_id) DO UPDATE SET overage = excluded.overage, updated_at = now()`,
      [userId, overage === null ? null : JSON.stringify(overage)],
    );
    await this.forgetEmpty(tx, userId);
  }

  private async forgetEmpty(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(`DELETE FROM user_quota_forms WHERE user_id = $1 AND overage IS NULL AND shadow IS NULL`, [userId]);
  }
}
