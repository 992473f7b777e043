import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The quota period and what is left of it, by the database's clock, in one place. */
export class CreateQuotaProjection1795305611000 implements MigrationInterface {
  name = 'CreateQuotaProjection1795305611000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- In PL/pgSQL, whose plan is kept: an SQL function would be planned anew by each statement that calls it.
      CREATE FUNCTION quota_default_zone() RETURNS text
      LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
      BEGIN
        RETURN coalesce((SELECT c.value #>> '{}' FROM system_configurations c WHERE c.key = 'quota.timeZone'), 'Etc/UTC');
      END $$
    `);
    await queryRunner.query(`
      -- The first instant that bears the date in the zone. Local midnight is right but on days of a clock change: it may be
      -- skipped or come twice, and AT TIME ZONE picks the second. The offsets in force a day before and a day after give the
      -- only two candidates; the earlier one that shows the date is it.
      CREATE FUNCTION quota_day_start(day date, zone text) RETURNS timestamptz
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        guess timestamptz := day::timestamp AT TIME ZONE zone;
        probe timestamptz;
        candidate timestamptz;
        earliest timestamptz;
      BEGIN
        FOREACH probe IN ARRAY ARRAY[guess - interval '1 day', guess + interval '1 day'] LOOP
          candidate := (day::timestamp - ((probe AT TIME ZONE zone) - (probe AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC';
          IF (candidate AT TIME ZONE zone)::date >= day AND (earliest IS NULL OR candidate < earliest) THEN
            earliest := candidate;
          END IF;
        END LOOP;
        RETURN earliest;
      END $$
    `);
    await queryRunner.query(`
      -- When the period of a day that began in period_zone ends for a user who is in zone now: at the next midnight, or, after
      -- a change of zone, at the first midnight of the new zone at least 24 hours after the period began.
      CREATE FUNCTION quota_period_end(day date, period_zone text, zone text) RETURNS timestamptz
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        earliest timestamptz;
        local_day date;
        midnight timestamptz;
      BEGIN
        IF period_zone = zone THEN
          RETURN quota_day_start(day + 1, zone);
        END IF;
        earliest := quota_day_start(day, period_zone) + interval '24 hours';
        local_day := (earliest AT TIME ZONE zone)::date;
        midnight := quota_day_start(local_day, zone);
        RETURN CASE WHEN midnight >= earliest THEN midnight ELSE quota_day_start(local_day + 1, zone) END;
      END $$
    `);
    await queryRunner.query(`
      CREATE TYPE quota_state AS (
        user_id integer,
        zone text,
        closed boolean,
        day date,
        period_zone text,
        fold smallint,
        used integer,
        refunded integer,
        requests integer,
        tier varchar(50),
        base_unlimited boolean,
        base_quota integer,
        overridden boolean,
        unlimited boolean,
        quota integer,
        closed_quota integer
      )
    `);
    await queryRunner.query(`
      -- The one projection of (counter, quota, override, clock) that every reader shares. "closed" says that the day in the row
      -- is over: then the counter reads as 0, the tier that was waiting for the next period is in force, and whoever writes
      -- the row archives the old day first. A stored day in the future (the clock was set back) is never left.
      CREATE FUNCTION quota_of(u users, default_zone text) RETURNS quota_state
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
      CREATE VIEW quota_now AS
      SELECT q.*, quota_day_start(q.day, q.period_zone) AS starts_at, quota_period_end(q.day, q.period_zone, q.zone) AS ends_at
      FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone())) q
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP VIEW quota_now`);
    await queryRunner.query(`DROP FUNCTION quota_of(users, text)`);
    await queryRunner.query(`DROP TYPE quota_state`);
    await queryRunner.query(`DROP FUNCTION quota_period_end(date, text, text)`);
    await queryRunner.query(`DROP FUNCTION quota_day_start(date, text)`);
    await queryRunner.query(`DROP FUNCTION quota_default_zone()`);
  }
}
