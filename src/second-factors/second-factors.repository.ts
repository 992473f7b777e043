import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type SealedValue } from '../settings/secret-box';

export interface StoredFactor {
  secret: SealedValue;
  confirmed: boolean;
  /** The database's clock. */
  now: Date;
}

/** Whoever writes here changes one row by its guard: of two with the same code one gets it. */
@Injectable()
export class SecondFactorsRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(userId: number): Promise<StoredFactor | null> {
    const rows: StoredFactor[] = await this.dataSource.query(
      `SELECT secret, confirmed_at IS NOT NULL AS confirmed, now() AS now FROM second_factors WHERE user_id = $1`,
      [userId],
    );
    return rows[0] ?? null;
  }

  /** Keeps a secret that does not count yet, in place of an earlier such one; false: there is one that counts. */
  async begin(tx: EntityManager, userId: number, secret: SealedValue): Promise<boolean> {
    const rows: unknown[] = await tx.query(
      `INSERT INTO second_factors (user_id, secret) VALUES ($1, $2)
       ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = now() WHERE second_factors.confirmed_at IS NULL RETURNING user_id`,
      [userId, JSON.stringify(secret)],
    );
    return rows.length === 1;
  }

  /** Has the secret that was read count from now on; false: it is another one by now, or counts already. */
  async confirm(tx: EntityManager, userId: number, secret: SealedValue, step: number): Promise<boolean> {
    const [, count] = await tx.query<[unknown, number]>(
      `UPDATE second_factors SET confirmed_at = now(), last_step = $3 WHERE user_id = $1 AND secret = $2::jsonb AND confirmed_at IS NULL`,
      [userId, JSON.stringify(secret), step],
    );
    return count === 1;
  }

  /** Uses the code of the step up; false: it was, or a later one was. */
  async useStep(userId: number, step: number): Promise<boolean> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND confirmed_at IS NOT NULL AND (last_step IS NULL OR last_step < $2)`,
      [userId, step],
    );
    return count === 1;
  }

  async putRecoveryCodes(tx: EntityManager, userId: number, hashes: Buffer[]): Promise<void> {
    await tx.query(`DELETE FROM recovery_codes WHERE user_id = $1`, [userId]);
    await tx.query(`INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])`, [userId, hashes]);
  }

  /** Uses a recovery code up. @returns where its owner reads mail, and how many are left; null: there is no such code */
  async useRecoveryCode(tx: EntityManager, userId: number, hash: Buffer): Promise<{ email: string; left: number } | null> {
    const [, count] = await tx.query<[unknown, number]>(`DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2`, [userId, hash]);
    if (count === 0) return null;
    const [found] = await tx.query<[{ email: string; left: number }]>(
      `SELECT email, (SELECT count(*)::integer FROM recovery_codes WHERE user_id = $1) AS left FROM users WHERE id = $1`,
      [userId],
    );
    return found;
  }

  /** False: there was none that counts. One that does not count yet goes too. */
  async remove(tx: EntityManager, userId: number): Promise<boolean> {
    await tx.query(`DELETE FROM recovery_codes WHERE user_id = $1`, [userId]);
    const [rows] = await tx.query<[{ confirmed: boolean }[], number]>(
      `DELETE FROM second_factors WHERE user_id = $1 RETURNING confirmed_at IS NOT NULL AS confirmed`,
      [userId],
    );
    return rows[0]?.confirmed === true;
  }
}
