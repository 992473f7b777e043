import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Limits of a plan beside its daily quota: of units in a minute, hour, day, week or month, of all types or of some. Counters are rows
 * of their own, of users who have such a limit alone. New columns are null everywhere, so no table is rewritten; the check is
 * validated in the next migration. `tier_forms` reads a plan's columns by name, so it has the limits as soon as they are there.
 */
export class LimitUnitsByPeriod1795770000300 implements MigrationInterface {
  name = 'LimitUnitsByPeriod1795770000300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD COLUMN limits jsonb`);
    await queryRunner.query(`
      -- Whether a charge can be held against them: one that cannot would fail with all that is decided beside it. A list of which some
      -- member is not good has fewer good ones.
      CREATE FUNCTION quota_limits_valid(limits jsonb) RETURNS boolean
      LANGUAGE sql IMMUTABLE AS $$
        SELECT CASE WHEN jsonb_typeof(limits) = 'array' THEN
          jsonb_array_length(limits) BETWEEN 1 AND 10
          AND jsonb_array_length(jsonb_path_query_array(limits, 'strict $[*] ? (
            @.name like_regex "^[a-z0-9][a-z0-9._-]{0,29}$"
            && (@.period == "minute" || @.period == "hour" || @.period == "day" || @.period == "week" || @.period == "month")
            && @.units.type() == "number" && @.units >= 1 && @.units <= 2147483647 && @.units.floor() == @.units
            && ((exists (@.types)) is unknown || @.types.type() == "array" && !(exists (@.types[*] ? (@.type() != "string"))))
          )')) = jsonb_array_length(limits)
          AND (SELECT count(DISTINCT l ->> 'name') FROM jsonb_array_elements(limits) AS l) = jsonb_array_length(limits)
        ELSE false END
      $$
    `);
    await queryRunner.query(
      `ALTER TABLE subscription_tiers ADD CONSTRAINT subscription_tiers_limits_check CHECK (limits IS NULL OR quota_limits_valid(limits)) NOT VALID`,
    );
    await queryRunner.query(`ALTER TABLE requests ADD COLUMN limits_charged jsonb`);
    await queryRunner.query(`
      CREATE TABLE quota_limit_usage (
        user_id integer NOT NULL,
        name varchar(30) NOT NULL,
        period varchar(10) NOT NULL,
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        used integer NOT NULL,
        removed_used integer NOT NULL DEFAULT 0,
        CONSTRAINT quota_limit_usage_pkey PRIMARY KEY (user_id, name, period, starts_at),
        CONSTRAINT quota_limit_usage_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT quota_limit_usage_period_check CHECK (period IN ('minute', 'hour', 'day', 'week', 'month')),
        CONSTRAINT quota_limit_usage_ends_at_check CHECK (ends_at > starts_at AND starts_at >= '1970-01-01Z' AND ends_at <= '9999-12-31Z'),
        CONSTRAINT quota_limit_usage_used_check CHECK (used >= 0),
        CONSTRAINT quota_limit_usage_removed_used_check CHECK (removed_used >= 0)
      )
    `);
    await queryRunner.query(`CREATE INDEX quota_limit_usage_ends_at_idx ON quota_limit_usage (ends_at)`);
    await queryRunner.query(`
      -- The period of the calendar that an instant belongs to, in a zone with the hour at which its days begin. Minutes and hours are those
      -- of the clock, and as long as they are where clocks change; a day, week or month begins with its first day.
      CREATE FUNCTION quota_limit_period(period text, zone text, at timestamptz, OUT starts_at timestamptz, OUT ends_at timestamptz)
      LANGUAGE plpgsql STABLE STRICT AS $$
      DECLARE
        local timestamp;
        first date;
      BEGIN
        IF period IN ('minute', 'hour') THEN
          local := at AT TIME ZONE split_part(zone, '@', 1);
          starts_at := at - (local - date_trunc(period, local));
          ends_at := starts_at + ('1 ' || period)::interval;
        ELSE
          first := date_trunc(period, quota_day_at(at, zone)::timestamp);
          starts_at := quota_day_start(first, zone);
          ends_at := quota_day_start((first + ('1 ' || period)::interval)::date, zone);
        END IF;
      END $$
    `);
    await queryRunner.query(`
      -- Where the limits of a plan stand for one of its users. A period that was charged runs to its end whatever becomes of the zone: another
      -- begins with the first of the new zone that does not begin before that end, or a little before it where it is of weeks or months, which would
      -- otherwise last twice as long. So nobody gets a period more by a change of zone. VOLATILE, so that it sees what others committed while the
      -- statement that asks waited for the user's row: under that lock nobody else adds to it.
      CREATE FUNCTION quota_limits_of(of_user integer, limits jsonb, zone text)
      RETURNS TABLE (n integer, name text, period text, units integer, types jsonb, starts_at timestamptz, ends_at timestamptz, used integer)
      LANGUAGE plpgsql VOLATILE AS $$
      #variable_conflict use_column
      DECLARE
        one record;
        present record;
        counter record;
        latest timestamptz;
      BEGIN
        FOR one IN SELECT t.value, t.ordinality FROM jsonb_array_elements(limits) WITH ORDINALITY AS t (value, ordinality) LOOP
          n := one.ordinality;
          name := one.value ->> 'name';
          period := one.value ->> 'period';
          units := one.value ->> 'units';
          types := one.value -> 'types';
          present := quota_limit_period(one.value ->> 'period', zone, now());
          SELECT c.starts_at, c.ends_at, c.used INTO counter FROM quota_limit_usage c
            WHERE c.user_id = of_user AND c.name = one.value ->> 'name' AND c.period = one.value ->> 'period' ORDER BY c.starts_at DESC LIMIT 1;
          latest := counter.ends_at - CASE WHEN one.value ->> 'period' IN ('week', 'month') THEN interval '26 hours' ELSE interval '0' END;
          IF present.starts_at < latest THEN
            starts_at := counter.starts_at;
            ends_at := (quota_limit_period(one.value ->> 'period', zone, latest - interval '1 microsecond')).ends_at;
            used := counter.used;
          ELSE
            starts_at := present.starts_at;
            ends_at := present.ends_at;
            used := 0;
          END IF;
          RETURN NEXT;
        END LOOP;
      END $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP FUNCTION quota_limits_of(integer, jsonb, text)`);
    await queryRunner.query(`DROP FUNCTION quota_limit_period(text, text, timestamptz)`);
    await queryRunner.query(`DROP TABLE quota_limit_usage`);
    await queryRunner.query(`ALTER TABLE requests DROP COLUMN limits_charged`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN limits`);
    await queryRunner.query(`DROP FUNCTION quota_limits_valid(jsonb)`);
  }
}
