import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { sqlState } from '../common/database-errors';

/** A name on rows of users whose copies of the plan are not up to date. */
export interface PendingTier {
  id: number;
  name: string;
  version: number;
  /** An earlier name of a tier. */
  isAlias: boolean;
}

/** Which of the two columns with the name of a tier. */
export type TierColumn = 'subscription_tier' | 'next_subscription_tier';

/** What shows that the copy of a row is older than the version in $4. */
const OLDER: Record<TierColumn, string> = {
  subscription_tier: 'NOT u.api_quota_custom AND u.api_quota_version < $4',
  next_subscription_tier: 'u.next_quota_version < $4',
};

/** The copies of plans in `users`: see docs/decisions/086-plans-by-reference.md. */
@Injectable()
export class TierCopiesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Aliases first: a tier is done when none of its names is left. */
  async pending(): Promise<PendingTier[]> {
    return this.dataSource.query(
      `SELECT id, name, version, alias_of IS NOT NULL AS "isAlias" FROM subscription_tiers
       WHERE alias_of IS NOT NULL OR copied_version < version ORDER BY alias_of IS NULL, id`,
    );
  }

  /**
   * Brings the next users after an id up to date, in one short transaction, but for those whom somebody holds: they are copied by
   * whoever charges them, or the next time. `last` null: there were none.
   */
  async copy({ name, version, isAlias }: PendingTier, column: TierColumn, after: number, count: number): Promise<{ last: number | null; copied: number }> {
    const [{ last, copied }] = await this.dataSource.query<[{ last: number | null; copied: number | null }]>(
      `SELECT max(chunk.id) AS last, quota_copy_plans(array_agg(chunk.id)) AS copied FROM (
         SELECT u.id FROM users u WHERE u.${column} = $1 AND u.id > $2 AND ${isAlias ? '$4::integer IS NOT NULL' : OLDER[column]} ORDER BY u.id LIMIT $3) chunk`,
      [name, after, count, version],
    );
    return { last, copied: copied ?? 0 };
  }

  /**
   * Notes that everybody has the copy, if so. A charge that began before the edit may still hold a row with an older copy: that
   * row counts as one that has not, since what it holds is not committed.
   */
  async finish({ id, name, version, isAlias }: PendingTier): Promise<boolean> {
    if (isAlias) return this.dropAlias(id, name);
    const [rows] = await this.dataSource.query<[unknown[], number]>(
      `UPDATE subscription_tiers t SET copied_version = $2
       WHERE t.id = $1 AND t.version = $2 AND t.name = $3 AND NOT EXISTS (SELECT FROM subscription_tiers a WHERE a.alias_of = t.id)
         AND NOT EXISTS (SELECT FROM users u WHERE u.subscription_tier = $3 AND NOT u.api_quota_custom AND u.api_quota_version < $2)
         AND NOT EXISTS (SELECT FROM users u WHERE u.next_subscription_tier = $3 AND u.next_quota_version < $2)
       RETURNING t.id`,
      [id, version, name],
    );
    return rows.length === 1;
  }

  /** Looks first: the foreign key's own check would wait for a row that somebody holds, and holds up who renames the tier meanwhile. */
  private async dropAlias(id: number, name: string): Promise<boolean> {
    try {
      const [rows] = await this.dataSource.query<[unknown[], number]>(
        `DELETE FROM subscription_tiers WHERE id = $1 AND alias_of IS NOT NULL AND NOT EXISTS (SELECT FROM users WHERE subscription_tier = $2)
           AND NOT EXISTS (SELECT FROM users WHERE next_subscription_tier = $2) RETURNING id`,
        [id, name],
      );
      return rows.length === 1;
    } catch (error) {
      if (sqlState(error) === '23503') return false;
      throw error;
    }
  }
}
