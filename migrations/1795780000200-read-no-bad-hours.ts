import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The hour that a zone bears, as it was: whatever is written there is read. */
const ANY = { of: `split_part(zone, '@', 2)::interval`, orNone: `coalesce(nullif(split_part(zone, '@', 2), '')::interval, '0')` };
const CHECKED = `CASE WHEN split_part(zone, '@', 2) ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' THEN split_part(zone, '@', 2)::interval ELSE interval '0' END`;

/**
 * A stored zone whose hour is none (`users.quota_reset_zone`, a plan's `day_starts_at`) failed every statement that read the row among others: lists of users, the
 * close-out. Its days begin at 00:00 now. Only two functions are replaced: no table is touched.
 */
export class ReadNoBadHours1795780000200 implements MigrationInterface {
  name = 'ReadNoBadHours1795780000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(dayStart(CHECKED));
    await queryRunner.query(dayAt(CHECKED));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(dayAt(ANY.of));
    await queryRunner.query(dayStart(ANY.orNone));
  }
}

const dayStart = (hour: string): string => `
      CREATE OR REPLACE FUNCTION quota_day_start(day date, zone text) RETURNS timestamptz
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        place text := split_part(zone, '@', 1);
        beginning timestamp := day::timestamp + ${hour};
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
      END $$`;

const dayAt = (hour: string): string => `
      CREATE OR REPLACE FUNCTION quota_day_at(at timestamptz, zone text) RETURNS date
      LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
      DECLARE
        place text := split_part(zone, '@', 1);
        since_hour timestamp := at AT TIME ZONE place;
        day date;
      BEGIN
        IF place = zone THEN
          RETURN since_hour::date;
        END IF;
        since_hour := since_hour - ${hour};
        day := since_hour::date;
        -- Clocks that were set back show the hour a second time: the day has begun with the first.
        IF (since_hour + interval '3 hours')::date > day AND quota_day_start(day + 1, zone) <= at THEN
          day := day + 1;
        END IF;
        RETURN day;
      END $$`;
