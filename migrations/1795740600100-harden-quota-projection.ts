import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * One user's quota costs one row, and one user's zone spoils nobody else's: the view takes its user from the table, so that
 * a reader of one user does not project all; a zone that PostgreSQL does not know (written past our checks, or gone from
 * its tzdata) counts as the system's, and the system's as Etc/UTC. Functions only; no table is touched.
 */
export class HardenQuotaProjection1795740600100 implements MigrationInterface {
  name = 'HardenQuotaProjection1795740600100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Asks PostgreSQL itself: a table of names would be wrong after the next tzdata. Null is not known either way.
      CREATE FUNCTION quota_zone_known(zone text) RETURNS boolean
      LANGUAGE plpgsql STABLE STRICT AS $$
      DECLARE
        unused timestamp;
      BEGIN
        unused := now() AT TIME ZONE zone;
        RETURN true;
      EXCEPTION WHEN invalid_parameter_value THEN
        RETURN false;
      END $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_default_zone() RETURNS text
      LANGUAGE plpgsql STABLE AS $$
      DECLARE
        stored jsonb := (SELECT c.value FROM system_configurations c WHERE c.key = 'quota.timeZone');
      BEGIN
        RETURN CASE WHEN jsonb_typeof(stored) = 'string' AND quota_zone_known(stored #>> '{}') THEN stored #>> '{}' ELSE 'Etc/UTC' END;
      END $$
    `);
    await queryRunner.query(`
      -- The one projection of (counter, quota, override, clock) that every reader shares: see CreateQuotaProjection. What
      -- is new is that no zone makes it fail. Not PARALLEL SAFE, because a handler of exceptions is a subtransaction.
      CREATE OR REPLACE FUNCTION quota_of(u users, default_zone text) RETURNS quota_state
      LANGUAGE plpgsql STABLE AS $$
      DECLARE
        q quota_state;
        today date;
        ended_at timestamptz;
      BEGIN
        q.user_id := u.id;
        IF u.time_zone IS NULL OR u.time_zone = default_zone THEN
          q.zone := default_zone;
          today := now() AT TIME ZONE default_zone;
        ELSE
          -- The only zone here that nobody vouches for. One that is unknown must not fail the statement that reads others too.
          BEGIN
            today := now() AT TIME ZONE u.time_zone;
            q.zone := u.time_zone;
          EXCEPTION WHEN invalid_parameter_value THEN
            today := now() AT TIME ZONE default_zone;
            q.zone := default_zone;
          END;
        END IF;
        IF u.quota_reset_zone IS NULL OR u.quota_reset_zone = q.zone OR NOT quota_zone_known(u.quota_reset_zone) THEN
          q.period_zone := q.zone;
          q.closed := today > u.quota_reset_date;
        ELSE
          q.period_zone := u.quota_reset_zone;
          q.closed := now() >= quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
        END IF;
        q.tier := u.subscription_tier;
        q.base_unlimited := u.api_quota_unlimited;
        q.base_quota := u.api_quota_daily;
        IF q.closed THEN
          -- Only an override asks when exactly the day ended, and that costs more than all the rest.
          IF u.quota_override_expires_at IS NOT NULL THEN
            ended_at := quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
          END IF;
          q.closed_quota := CASE
            WHEN u.quota_override_expires_at >= ended_at THEN u.quota_override_daily
            WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
          END;
          q.day := today;
          q.period_zone := q.zone;
          -- Westward over the date line a second period can bear the name of the first.
          q.fold := CASE WHEN today = u.quota_reset_date THEN 1 ELSE 0 END;
          q.used := 0;
          q.refunded := 0;
          q.requests := 0;
          IF u.next_subscription_tier IS NOT NULL THEN
            q.tier := u.next_subscription_tier;
            IF NOT u.api_quota_custom THEN
              -- From the row, not from the tier: an edit of the tier is seen with the row's lock, whatever the snapshot.
              q.base_unlimited := u.next_quota_unlimited;
              q.base_quota := coalesce(u.next_quota_daily, q.base_quota);
            END IF;
          END IF;
        ELSE
          q.day := u.quota_reset_date;
          q.fold := u.quota_reset_fold;
          q.used := u.api_quota_used_today;
          q.refunded := u.api_quota_refunded_today;
          q.requests := u.api_quota_requests_today;
        END IF;
        IF now() < u.quota_override_expires_at THEN
          q.overridden := true;
          q.unlimited := u.quota_override_unlimited;
          q.quota := CASE WHEN u.quota_override_unlimited THEN q.base_quota ELSE u.quota_override_daily END;
        ELSE
          q.overridden := false;
          q.unlimited := q.base_unlimited;
          q.quota := q.base_quota;
        END IF;
        RETURN q;
      END $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE VIEW quota_now AS
      SELECT u.id AS user_id, q.zone, q.closed, q.day, q.period_zone, q.fold, q.used, q.refunded, q.requests, q.tier, q.base_unlimited, q.base_quota, q.overridden, q.unlimited, q.quota, q.closed_quota,
        quota_day_start(q.day, q.period_zone) AS starts_at, quota_period_end(q.day, q.period_zone, q.zone) AS ends_at
      FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone())) q
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE OR REPLACE VIEW quota_now AS
      SELECT q.*, quota_day_start(q.day, q.period_zone) AS starts_at, quota_period_end(q.day, q.period_zone, q.zone) AS ends_at
      FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone())) q
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_of(u users, default_zone text) RETURNS quota_state
      LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
      DECLARE
        q quota_state;
        today date;
        ended_at timestamptz;
      BEGIN
        q.user_id := u.id;
        q.zone := coalesce(u.time_zone, default_zone);
        q.period_zone := coalesce(u.quota_reset_zone, q.zone);
        today := (now() AT TIME ZONE q.zone)::date;
        IF q.period_zone = q.zone THEN
          q.closed := today > u.quota_reset_date;
        ELSE
          q.closed := now() >= quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
        END IF;
        q.tier := u.subscription_tier;
        q.base_unlimited := u.api_quota_unlimited;
        q.base_quota := u.api_quota_daily;
        IF q.closed THEN
          -- Only an override asks when exactly the day ended, and that costs more than all the rest.
          IF u.quota_override_expires_at IS NOT NULL THEN
            ended_at := quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
          END IF;
          q.closed_quota := CASE
            WHEN u.quota_override_expires_at >= ended_at THEN u.quota_override_daily
            WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
          END;
          q.day := today;
          q.period_zone := q.zone;
          -- Westward over the date line a second period can bear the name of the first.
          q.fold := CASE WHEN today = u.quota_reset_date THEN 1 ELSE 0 END;
          q.used := 0;
          q.refunded := 0;
          q.requests := 0;
          IF u.next_subscription_tier IS NOT NULL THEN
            q.tier := u.next_subscription_tier;
            IF NOT u.api_quota_custom THEN
              -- From the row, not from the tier: an edit of the tier is seen with the row's lock, whatever the snapshot.
              q.base_unlimited := u.next_quota_unlimited;
              q.base_quota := coalesce(u.next_quota_daily, q.base_quota);
            END IF;
          END IF;
        ELSE
          q.day := u.quota_reset_date;
          q.fold := u.quota_reset_fold;
          q.used := u.api_quota_used_today;
          q.refunded := u.api_quota_refunded_today;
          q.requests := u.api_quota_requests_today;
        END IF;
        q.overridden := coalesce(now() < u.quota_override_expires_at, false);
        q.unlimited := CASE WHEN q.overridden THEN u.quota_override_unlimited ELSE q.base_unlimited END;
        q.quota := CASE WHEN q.overridden AND NOT q.unlimited THEN u.quota_override_daily ELSE q.base_quota END;
        RETURN q;
      END $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_default_zone() RETURNS text
      LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
      BEGIN
        RETURN coalesce((SELECT c.value #>> '{}' FROM system_configurations c WHERE c.key = 'quota.timeZone'), 'Etc/UTC');
      END $$
    `);
    await queryRunner.query(`DROP FUNCTION quota_zone_known(text)`);
  }
}
