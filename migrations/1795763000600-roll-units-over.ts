import { type MigrationInterface, type QueryRunner } from 'typeorm';

const ROLLOVER_CHECK = `rollover IS NULL OR CASE WHEN jsonb_typeof(rollover -> 'days') = 'number' THEN (rollover ->> 'days')::numeric BETWEEN 1 AND 31 AND (rollover ->> 'days')::numeric % 1 = 0 ELSE false END
  AND CASE jsonb_typeof(rollover -> 'max') WHEN 'number' THEN (rollover ->> 'max')::numeric BETWEEN 1 AND 2147483647 AND (rollover ->> 'max')::numeric % 1 = 0 ELSE rollover -> 'max' IS NULL END
  AND CASE jsonb_typeof(rollover -> 'share') WHEN 'number' THEN (rollover ->> 'share')::numeric > 0 AND (rollover ->> 'share')::numeric <= 1 ELSE rollover -> 'share' IS NULL END`;

/** What `quota_close_out` does beside: in the function as it is. */
const ROLLS: readonly (readonly [before: string, after: string])[] = [
  ['u.quota_reset_date, u.api_quota_used_today,', 'u.quota_reset_date, u.quota_reset_fold, u.subscription_tier, u.api_quota_used_today,'],
  [
    '), opened AS (',
    `), rolled AS (
          INSERT INTO quota_grants (user_id, units, priority, reason, expires_at, rolled_from, rolled_fold)
          SELECT (a.q).user_id, r.units, 50, ''rollover of '' || r.date, r.expires_at, r.date, r.fold
          FROM account a CROSS JOIN LATERAL quota_rollover((SELECT quota_plans()) -> a.subscription_tier::text -> 5 -> ''rollover'', a.quota_reset_date, a.quota_reset_fold,
            (a.q).closed_quota, a.api_quota_used_today, CASE WHEN NOT (a.q).base_unlimited THEN (a.q).base_quota END, (a.q).day, (a.q).zone) r
          WHERE (a.q).closed
          ON CONFLICT (user_id, rolled_from, rolled_fold) DO NOTHING
        ), opened AS (`,
  ],
];

/**
 * Units of a day that nobody used, as grants of the days after it. Computed by whoever closes the day, and by the constraint no day is
 * rolled over twice. A close-out that comes late makes what those in time would have made.
 */
export class RollUnitsOver1795763000600 implements MigrationInterface {
  name = 'RollUnitsOver1795763000600';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD COLUMN rollover jsonb`);
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD CONSTRAINT subscription_tiers_rollover_check CHECK (${ROLLOVER_CHECK}) NOT VALID`);
    await queryRunner.query(`ALTER TABLE quota_grants ADD COLUMN rolled_from date, ADD COLUMN rolled_fold smallint NOT NULL DEFAULT 0`);
    await queryRunner.query(`
      -- squawk-ignore require-concurrent-index-creation
      CREATE UNIQUE INDEX quota_grants_user_id_rolled_from_rolled_fold_key ON quota_grants (user_id, rolled_from, rolled_fold)
    `);
    await queryRunner.query(`
      -- squawk-ignore require-concurrent-index-creation
      CREATE INDEX quota_grants_expires_at_idx ON quota_grants (expires_at) WHERE rolled_from IS NOT NULL
    `);
    await queryRunner.query(tierForms(`, 'rollover', t.rollover`));
    await queryRunner.query(`
      -- The unused units of a day that is over, and of those after it that nobody closed, as far as they have not expired by now.
      CREATE FUNCTION quota_rollover(rule jsonb, closed_on date, closed_fold smallint, closed_quota integer, used integer, base_quota integer, today date, zone text)
      RETURNS TABLE (date date, fold smallint, units integer, expires_at timestamptz)
      LANGUAGE sql STABLE AS $$
        SELECT d.date, d.fold, d.units, quota_day_start(d.date + 1 + (rule ->> 'days')::integer, zone) FROM (
          SELECT s.day::date AS date, CASE WHEN s.day::date = closed_on THEN closed_fold ELSE 0 END::smallint AS fold,
            least(coalesce((rule ->> 'max')::bigint, 2147483647), floor(coalesce((rule ->> 'share')::numeric, 1)
              * CASE WHEN s.day::date = closed_on THEN greatest(0, closed_quota::bigint - used) ELSE base_quota END))::integer AS units
          FROM generate_series(greatest(closed_on, today - (rule ->> 'days')::integer), greatest(closed_on, today - 1), interval '1 day') AS s (day)
        ) d WHERE rule IS NOT NULL AND d.units > 0 AND quota_day_start(d.date + 1 + (rule ->> 'days')::integer, zone) > now()
      $$
    `);
    await queryRunner.query(changed(ROLLS));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(changed(ROLLS.map(([before, after]) => [after, before] as const)));
    await queryRunner.query(`DROP FUNCTION quota_rollover(jsonb, date, smallint, integer, integer, integer, date, text)`);
    await queryRunner.query(tierForms(''));
    await queryRunner.query(`DROP INDEX quota_grants_expires_at_idx`);
    await queryRunner.query(`DROP INDEX quota_grants_user_id_rolled_from_rolled_fold_key`);
    await queryRunner.query(`ALTER TABLE quota_grants DROP COLUMN rolled_from, DROP COLUMN rolled_fold`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN rollover`);
  }
}

function tierForms(members: string): string {
  return `
    CREATE OR REPLACE FUNCTION tier_forms(t subscription_tiers) RETURNS jsonb
    LANGUAGE sql IMMUTABLE AS $$ SELECT nullif(jsonb_strip_nulls(jsonb_build_object('overage', t.overage${members})), '{}') $$
  `;
}

function changed(pairs: typeof ROLLS): string {
  const definition = pairs.reduce(
    (text, [before, after]) => `replace(${text}, '${before}', '${after}')`,
    `pg_get_functiondef('quota_close_out(integer[])'::regprocedure)`,
  );
  return `DO $do$ BEGIN EXECUTE ${definition}; END $do$`;
}
