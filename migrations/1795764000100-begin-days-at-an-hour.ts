import { type MigrationInterface, type QueryRunner } from 'typeorm';

const HOUR = `'^([01][0-9]|2[0-3]):[0-5][0-9]$'`;

/**
 * Days that begin at an hour. The hour is a part of the zone that a period is reckoned in, `Europe/Berlin@06:00`, so that a change of
 * one is a change of the other: see docs/decisions/the-hour-is-part-of-the-zone.md. No table is rewritten.
 */
export class BeginDaysAtAnHour1795764000100 implements MigrationInterface {
  name = 'BeginDaysAtAnHour1795764000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD COLUMN day_starts_at varchar(5)`);
    await queryRunner.query(`
      ALTER TABLE subscription_tiers ADD CONSTRAINT subscription_tiers_day_starts_at_check CHECK (day_starts_at ~ ${HOUR}) NOT VALID
    `);
    await queryRunner.query(`
      -- The first instant whose local time is the hour of the day, or later. Where the clocks change the hour may come twice, and
      -- AT TIME ZONE picks the second: the offsets in force a day before and a day after give the only two candidates. Or it may
      -- be skipped, and the day begins with the change, which lies between the two.
      CREATE OR REPLACE FUNCTION quota_day_start(day date, zone text) RETURNS timestamptz
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        place text := split_part(zone, '@', 1);
        beginning timestamp := day::timestamp + coalesce(nullif(split_part(zone, '@', 2), '')::interval, '0');
        guess timestamptz := beginning AT TIME ZONE place;
        probe timestamptz;
        candidate timestamptz;
        earliest timestamptz;
        before timestamptz;
      BEGIN
        FOREACH probe IN ARRAY ARRAY[guess - interval '1 day', guess + interval '1 day'] LOOP
          candidate := (beginning - ((probe AT TIME ZONE place) - (probe AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC';
          IF (candidate AT TIME ZONE place) < beginning THEN
            before := candidate;
          ELSIF earliest IS NULL OR candidate < earliest THEN
            earliest := candidate;
          END IF;
        END LOOP;
        IF before < earliest AND (earliest AT TIME ZONE place) > beginning THEN
          WHILE earliest - before > interval '1 second' LOOP
            candidate := date_trunc('second', before + (earliest - before) / 2);
            IF (candidate AT TIME ZONE place) < beginning THEN
              before := candidate;
            ELSE
              earliest := candidate;
            END IF;
          END LOOP;
        END IF;
        RETURN earliest;
      END $$
    `);
    await queryRunner.query(`
      -- The day that an instant belongs to. @throws invalid_parameter_value for a zone that is unknown
      CREATE FUNCTION quota_day_at(at timestamptz, zone text) RETURNS date
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        place text := split_part(zone, '@', 1);
        since_hour timestamp := at AT TIME ZONE place;
        day date;
      BEGIN
        IF place = zone THEN
          RETURN since_hour::date;
        END IF;
        since_hour := since_hour - split_part(zone, '@', 2)::interval;
        day := since_hour::date;
        -- Clocks that were set back show the hour a second time: the day has begun with the first.
        IF (since_hour + interval '3 hours')::date > day AND quota_day_start(day + 1, zone) <= at THEN
          day := day + 1;
        END IF;
        RETURN day;
      END $$
    `);
    await queryRunner.query(`
      -- When the period of a day that began in period_zone ends for a user who is in zone now: with the next day, or, after a change
      -- of zone or hour, with the first day of the new one that begins at least 24 hours after the period did. No period bears
      -- an earlier day than the one before it.
      CREATE OR REPLACE FUNCTION quota_period_end(day date, period_zone text, zone text) RETURNS timestamptz
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        earliest timestamptz;
        local_day date;
        beginning timestamptz;
      BEGIN
        IF period_zone = zone THEN
          RETURN quota_day_start(day + 1, zone);
        END IF;
        earliest := quota_day_start(day, period_zone) + interval '24 hours';
        local_day := greatest(day, quota_day_at(earliest, zone));
        beginning := quota_day_start(local_day, zone);
        RETURN CASE WHEN beginning >= earliest THEN beginning ELSE quota_day_start(local_day + 1, zone) END;
      END $$
    `);
    const forms = await hasForms(queryRunner);
    await queryRunner.query(`
      -- Of each plan that is not in every row of users, or has more than a daily quota, by the name that the rows bear:
      -- [name, version, unlimited, daily_quota, edited_at, forms, hour]. Null: there is none, which is often so. A version of -1: the
      -- quota is in every row. The hour at which days begin is the plan's or the setting's; null: midnight.
      CREATE OR REPLACE FUNCTION quota_plans() RETURNS jsonb
      LANGUAGE plpgsql STABLE AS $$
      BEGIN
        RETURN (
          SELECT jsonb_object_agg(t.name, jsonb_build_array(p.name,
            CASE WHEN p.copied_version < p.version THEN p.version ELSE -1 END, p.unlimited, p.daily_quota, p.edited_at, ${forms ? 'tier_forms(p)' : 'NULL'},
            nullif(coalesce(p.day_starts_at, (SELECT c.value #>> '{}' FROM system_configurations c WHERE c.key = 'quota.dayStartsAt' AND c.value #>> '{}' ~ ${HOUR})), '00:00')))
          FROM subscription_tiers t JOIN subscription_tiers p ON p.id = coalesce(t.alias_of, t.id)
          WHERE t.alias_of IS NOT NULL OR t.copied_version < t.version OR p.day_starts_at IS NOT NULL${forms ? ' OR tier_forms(p) IS NOT NULL' : ''}
            OR EXISTS (SELECT FROM system_configurations c WHERE c.key = 'quota.dayStartsAt' AND c.value #>> '{}' <> '00:00')
        );
      END $$
    `);
    await queryRunner.query(`
      -- The zone that a user of this plan has their days reckoned in.
      CREATE FUNCTION quota_zone_of(zone text, tier text) RETURNS text
      LANGUAGE sql STABLE AS $$ SELECT zone || coalesce('@' || (quota_plans() -> tier ->> 6), '') $$
    `);
    await queryRunner.query(`
      -- The one projection of (counter, quota, override, plan, clock) that every reader shares.
      CREATE OR REPLACE FUNCTION quota_of(u users, default_zone text, plans jsonb) RETURNS quota_state
      LANGUAGE plpgsql STABLE AS $$
      DECLARE
        q quota_state;
        today date;
        ended_at timestamptz;
        plan jsonb;
        begins text;
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
        IF plans ? u.subscription_tier THEN
          begins := plans -> u.subscription_tier ->> 6;
          IF begins IS NOT NULL THEN
            q.zone := q.zone || '@' || begins;
            today := quota_day_at(now(), q.zone);
          END IF;
        END IF;
        IF u.quota_reset_zone IS NULL OR u.quota_reset_zone = q.zone OR NOT quota_zone_known(split_part(u.quota_reset_zone, '@', 1)) THEN
          q.period_zone := q.zone;
          q.closed := today > u.quota_reset_date;
        ELSE
          q.period_zone := u.quota_reset_zone;
          q.closed := now() >= quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
        END IF;
        q.tier := u.subscription_tier;
        q.base_unlimited := u.api_quota_unlimited;
        q.base_quota := u.api_quota_daily;
        q.base_version := u.api_quota_version;
        IF q.closed THEN
          -- Only an override asks when exactly the day ended, and that costs more than all the rest.
          IF u.quota_override_expires_at IS NOT NULL THEN
            ended_at := quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
          END IF;
          q.closed_quota := CASE
            WHEN u.quota_override_expires_at >= ended_at THEN u.quota_override_daily
            WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
          END;
          IF plans ? u.subscription_tier AND NOT u.api_quota_custom THEN
            -- The day that is over had what its plan was edited to before it ended.
            plan := plans -> u.subscription_tier;
            ended_at := coalesce(ended_at, quota_period_end(u.quota_reset_date, q.period_zone, q.zone));
            IF (plan ->> 1)::integer > u.api_quota_version AND (plan ->> 4)::timestamptz < ended_at
               AND coalesce(u.quota_override_expires_at < ended_at, true) THEN
              q.closed_quota := (plan ->> 3)::integer;
            END IF;
          END IF;
          q.day := today;
          q.period_zone := q.zone;
          -- Westward over the date line, or with a later hour, another period can bear the name of the one before.
          q.fold := CASE WHEN today = u.quota_reset_date THEN u.quota_reset_fold + 1 ELSE 0 END;
          q.used := 0;
          q.refunded := 0;
          q.requests := 0;
          IF u.next_subscription_tier IS NOT NULL THEN
            -- Its hour is a change like any other: the day that it begins in keeps the hour that ended the one before.
            q.zone := split_part(q.zone, '@', 1) || coalesce('@' || (plans -> u.next_subscription_tier ->> 6), '');
            q.tier := u.next_subscription_tier;
            IF NOT u.api_quota_custom THEN
              q.base_unlimited := u.next_quota_unlimited;
              q.base_quota := coalesce(u.next_quota_daily, q.base_quota);
              q.base_version := u.next_quota_version;
            END IF;
          END IF;
        ELSE
          q.day := u.quota_reset_date;
          q.fold := u.quota_reset_fold;
          q.used := u.api_quota_used_today;
          q.refunded := u.api_quota_refunded_today;
          q.requests := u.api_quota_requests_today;
        END IF;
        IF plans ? q.tier THEN
          -- Of the row and the plan the newer version counts: a statement that waited for the row finds what others copied there
          -- after its snapshot, one that did not finds the plan that is not copied yet. So the quota of a user never goes back.
          plan := plans -> q.tier;
          q.tier := plan ->> 0;
          IF NOT u.api_quota_custom AND (plan ->> 1)::integer > q.base_version THEN
            q.base_version := plan ->> 1;
            q.base_unlimited := plan ->> 2;
            q.base_quota := coalesce((plan ->> 3)::integer, q.base_quota);
          END IF;
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
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // The release before knows zones alone: running days go on in theirs, from its midnight.
    await queryRunner.query(`UPDATE users SET quota_reset_zone = split_part(quota_reset_zone, '@', 1) WHERE quota_reset_zone LIKE '%@%'`);
    await queryRunner.query(`DELETE FROM system_configurations WHERE key = 'quota.dayStartsAt'`);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_of(u users, default_zone text, plans jsonb) RETURNS quota_state
      LANGUAGE plpgsql STABLE AS $$
      DECLARE
        q quota_state;
        today date;
        ended_at timestamptz;
        plan jsonb;
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
        q.base_version := u.api_quota_version;
        IF q.closed THEN
          -- Only an override asks when exactly the day ended, and that costs more than all the rest.
          IF u.quota_override_expires_at IS NOT NULL THEN
            ended_at := quota_period_end(u.quota_reset_date, q.period_zone, q.zone);
          END IF;
          q.closed_quota := CASE
            WHEN u.quota_override_expires_at >= ended_at THEN u.quota_override_daily
            WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily
          END;
          IF plans ? u.subscription_tier AND NOT u.api_quota_custom THEN
            -- The day that is over had what its plan was edited to before it ended.
            plan := plans -> u.subscription_tier;
            ended_at := coalesce(ended_at, quota_period_end(u.quota_reset_date, q.period_zone, q.zone));
            IF (plan ->> 1)::integer > u.api_quota_version AND (plan ->> 4)::timestamptz < ended_at
               AND coalesce(u.quota_override_expires_at < ended_at, true) THEN
              q.closed_quota := (plan ->> 3)::integer;
            END IF;
          END IF;
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
              q.base_unlimited := u.next_quota_unlimited;
              q.base_quota := coalesce(u.next_quota_daily, q.base_quota);
              q.base_version := u.next_quota_version;
            END IF;
          END IF;
        ELSE
          q.day := u.quota_reset_date;
          q.fold := u.quota_reset_fold;
          q.used := u.api_quota_used_today;
          q.refunded := u.api_quota_refunded_today;
          q.requests := u.api_quota_requests_today;
        END IF;
        IF plans ? q.tier THEN
          -- Of the row and the plan the newer version counts: a statement that waited for the row finds what others copied there
          -- after its snapshot, one that did not finds the plan that is not copied yet. So the quota of a user never goes back.
          plan := plans -> q.tier;
          q.tier := plan ->> 0;
          IF NOT u.api_quota_custom AND (plan ->> 1)::integer > q.base_version THEN
            q.base_version := plan ->> 1;
            q.base_unlimited := plan ->> 2;
            q.base_quota := coalesce((plan ->> 3)::integer, q.base_quota);
          END IF;
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
    await queryRunner.query(`DROP FUNCTION quota_zone_of(text, text)`);
    const forms = await hasForms(queryRunner);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_plans() RETURNS jsonb
      LANGUAGE plpgsql STABLE AS $$
      BEGIN
        RETURN (
          SELECT jsonb_object_agg(t.name, jsonb_build_array(p.name,
            CASE WHEN p.copied_version < p.version THEN p.version ELSE -1 END, p.unlimited, p.daily_quota, p.edited_at${forms ? ', tier_forms(p)' : ''}))
          FROM subscription_tiers t JOIN subscription_tiers p ON p.id = coalesce(t.alias_of, t.id)
          WHERE t.alias_of IS NOT NULL OR t.copied_version < t.version${forms ? ' OR tier_forms(p) IS NOT NULL' : ''}
        );
      END $$
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION quota_period_end(day date, period_zone text, zone text) RETURNS timestamptz
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
      CREATE OR REPLACE FUNCTION quota_day_start(day date, zone text) RETURNS timestamptz
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
    await queryRunner.query(`DROP FUNCTION quota_day_at(timestamptz, text)`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN day_starts_at`);
  }
}

/** Whether plans may have more than a daily quota: a part of the schema that comes in a migration of its own. */
async function hasForms(queryRunner: QueryRunner): Promise<boolean> {
  const rows = (await queryRunner.query(`SELECT to_regprocedure('tier_forms(subscription_tiers)') IS NOT NULL AS found`)) as { found: boolean }[] | undefined;
  return rows?.[0]?.found ?? false;
}
