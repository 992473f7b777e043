import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The hand that turns the page: archives the day of each given user whose day is over, and opens the one that is now. */
export class CreateQuotaCloseOut1795305611500 implements MigrationInterface {
  name = 'CreateQuotaCloseOut1795305611500';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Returns how many days it closed. The row lock makes it happen once: who waited for it sees the new day. A second
      -- period of one name, westward over the date line, adds to the day's row.
      CREATE FUNCTION quota_close_out(ids integer[]) RETURNS integer
      LANGUAGE sql VOLATILE AS $$
        WITH account AS MATERIALIZED (
          SELECT quota_of(u, (SELECT quota_default_zone())) AS q, u.quota_reset_date, u.api_quota_used_today,
            u.api_quota_refunded_today, u.api_quota_requests_today
          FROM users u WHERE u.id = ANY (ids) ORDER BY u.id FOR NO KEY UPDATE
        ), archived AS (
          INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests)
          SELECT (a.q).user_id, a.quota_reset_date, (a.q).closed_quota, a.api_quota_used_today,
            a.api_quota_refunded_today, a.api_quota_requests_today
          FROM account a WHERE (a.q).closed AND a.api_quota_requests_today + a.api_quota_used_today > 0
          ON CONFLICT (user_id, date) DO UPDATE SET used = quota_usage.used + excluded.used,
            refunded = quota_usage.refunded + excluded.refunded, requests = quota_usage.requests + excluded.requests
        ), opened AS (
          UPDATE users u SET quota_reset_date = (a.q).day, quota_reset_zone = (a.q).period_zone,
            quota_reset_fold = (a.q).fold, api_quota_used_today = 0, api_quota_refunded_today = 0,
            api_quota_requests_today = 0, subscription_tier = (a.q).tier, next_subscription_tier = NULL,
            api_quota_unlimited = (a.q).base_unlimited, api_quota_daily = (a.q).base_quota
          FROM account a WHERE u.id = (a.q).user_id AND (a.q).closed
          RETURNING u.id
        )
        SELECT count(*)::integer FROM opened
      $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP FUNCTION quota_close_out(integer[])`);
  }
}
