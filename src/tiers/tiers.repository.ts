import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Tier } from './entities/tier.entity';

@Injectable()
export class TiersRepository {
  /**
   * The name of the tier that the setting gives to new users; if that is not offered, the smallest that is, so that nobody gets more
   * than was meant; if none is, the smallest of all. Null: there is no tier.
   */
  async tierOfNewUsers(tx: EntityManager, setting: string, standard: string): Promise<string | null> {
    const rows: { name: string }[] = await tx.query(
      `SELECT t.name FROM subscription_tiers t LEFT JOIN system_configurations c ON c.key = $1 WHERE t.alias_of IS NULL
       ORDER BY (t.name = coalesce(c.value #>> '{}', $2) AND NOT t.archived) DESC, t.archived, t.unlimited, t.daily_quota, t.sort_order, t.id LIMIT 1`,
      [setting, standard],
    );
    return rows[0]?.name ?? null;
  }

  /** Takes users who were deleted off the tier: they hold nothing but a row that goes, and must not keep a plan. */
  async leaveDeletedUsers(tx: EntityManager, tier: Tier): Promise<void> {
    await tx.query(
      `UPDATE users SET subscription_tier = other.name
       FROM (SELECT name FROM subscription_tiers WHERE id <> $1 AND alias_of IS NULL ORDER BY archived, sort_order, id LIMIT 1) other
       WHERE users.id IN (SELECT user_id FROM user_removals) AND subscription_tier = $2`,
      [tier.id, tier.name],
    );
  }

  /**
   * Draws a version for what the tier is from this transaction on. The caller holds the tier, so the versions of one tier rise
   * in the order of their commits.
   */
  async drawVersion(tx: EntityManager): Promise<number> {
    const [{ version }] = await tx.query<[{ version: number }]>(`SELECT nextval('subscription_tier_versions')::integer AS version`);
    return version;
  }

  /**
   * Gives the tier another name and leaves the old one behind as an alias, which the rows of its users go on to bear: none of
   * them is touched, because the foreign key is on the name and the row with that name stays. A name that the tier had before
   * and that is still an alias is taken back. The caller holds the tier. @throws the violation of subscription_tiers_name_key
   */
  async rename(tx: EntityManager, tier: Tier, name: string): Promise<void> {
    const { id } = tier;
    const [alias]: { id: number }[] = await tx.query(`SELECT id FROM subscription_tiers WHERE name = $1 AND alias_of = $2`, [name, id]);
    const columns =
      'daily_quota, unlimited, burst_per_minute, day_starts_at, overage, rollover, shadow, limits, max_in_flight, max_in_flight_by_type, sort_order, archived, created_at, updated_at, version, copied_version, edited_at';
    if (alias === undefined && !(await this.isOnUsers(tx, tier))) {
      await tx.query(`UPDATE subscription_tiers SET name = $2 WHERE id = $1`, [id, name]);
      return;
    }
    if (alias === undefined) {
      await tx.query(`INSERT INTO subscription_tiers (id, name, ${columns}) SELECT -id, $2, ${columns} FROM subscription_tiers WHERE id = $1`, [id, name]);
    } else {
      await tx.query(
        `UPDATE subscription_tiers a SET id = -t.id, alias_of = NULL, (${columns}) = (t.${columns.replaceAll(', ', ', t.')})
         FROM subscription_tiers t WHERE t.id = $1 AND a.id = $2`,
        [id, alias.id],
      );
    }
    await tx.query(
      `UPDATE subscription_tiers SET id = nextval(pg_get_serial_sequence('subscription_tiers', 'id')), alias_of = $1, archived = true, burst_per_minute = NULL
       WHERE id = $1`,
      [id],
    );
    await tx.query(`UPDATE subscription_tiers SET id = $1 WHERE id = -$1::integer`, [id]);
  }

  /** Whether any row of a user bears the tier's name. */
  private async isOnUsers(tx: EntityManager, { name }: Tier): Promise<boolean> {
    const [{ found }] = await tx.query<[{ found: boolean }]>(
      `SELECT EXISTS (SELECT FROM users WHERE subscription_tier = $1) OR EXISTS (SELECT FROM users WHERE next_subscription_tier = $1) AS found`,
      [name],
    );
    return found;
  }

  /** The tier by its name, or by one that it had until a moment ago. */
  async idByName(tx: EntityManager, name: string): Promise<number | null> {
    const rows: { id: number }[] = await tx.query(`SELECT coalesce(alias_of, id) AS id FROM subscription_tiers WHERE name = $1`, [name]);
    return rows[0]?.id ?? null;
  }
}
