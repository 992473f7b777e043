import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Tier } from './entities/tier.entity';

/** Users taken in one statement: short enough for the statement timeout on any machine. */
const CHUNK = 5_000;

@Injectable()
export class TiersRepository {
  /**
   * The name of the tier that the setting gives to new users; if that is not offered, the smallest that is, so that nobody gets more
   * than was meant; if none is, the smallest of all. Null: there is no tier.
   */
  async tierOfNewUsers(tx: EntityManager, setting: string, standard: string): Promise<string | null> {
    const rows: { name: string }[] = await tx.query(
      `SELECT t.name FROM subscription_tiers t LEFT JOIN system_configurations c ON c.key = $1
       ORDER BY (t.name = coalesce(c.value #>> '{}', $2) AND NOT t.archived) DESC, t.archived, t.unlimited, t.daily_quota, t.sort_order, t.id LIMIT 1`,
      [setting, standard],
    );
    return rows[0]?.name ?? null;
  }

  /** Takes users who were deleted off the tier: they hold nothing but a row that goes, and must not keep a plan. */
  async leaveDeletedUsers(tx: EntityManager, tier: Tier): Promise<void> {
    await tx.query(
      `UPDATE users SET subscription_tier = other.name
       FROM (SELECT name FROM subscription_tiers WHERE id <> $1 ORDER BY archived, sort_order, id LIMIT 1) other
       WHERE users.id IN (SELECT user_id FROM user_removals) AND subscription_tier = $2`,
      [tier.id, tier.name],
    );
  }

  /**
   * Gives the tier's quota to its users who have no number of their own, and to those who wait for it. Runs in the
   * transaction that edits the tier, so no charge sees one without the other. Users are locked in id order, as admission
   * does, and a day that is over is archived first, with the quota it had. Crosses into the table `users`: see DECISIONS.md.
   */
  async giveQuotaToUsers(tx: EntityManager, tier: Tier): Promise<void> {
    for (let after = 0; ;) {
      const [{ ids, last }] = await tx.query<[{ ids: number[] | null; last: number }]>(
        `SELECT array_agg(id) AS ids, max(id) AS last FROM (
           SELECT id FROM users WHERE (subscription_tier = $1 OR next_subscription_tier = $1) AND id > $2
           ORDER BY id LIMIT ${CHUNK} FOR NO KEY UPDATE
         ) chunk`,
        [tier.name, after],
      );
      if (ids === null) return;
      await tx.query(`SELECT quota_close_out($1)`, [ids]);
      await tx.query(
        `UPDATE users SET api_quota_unlimited = $2, api_quota_daily = coalesce($3, api_quota_daily), updated_at = now()
         WHERE id = ANY ($4) AND subscription_tier = $1 AND NOT api_quota_custom`,
        [tier.name, tier.unlimited, tier.dailyQuota, ids],
      );
      await tx.query(`UPDATE users SET next_quota_unlimited = $2, next_quota_daily = $3 WHERE id = ANY ($4) AND next_subscription_tier = $1`, [
        tier.name,
        tier.unlimited,
        tier.dailyQuota,
        ids,
      ]);
      after = last;
    }
  }
}
