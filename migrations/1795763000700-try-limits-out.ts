import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Plans and users whose quota is tried out: what it would refuse is admitted and counted. New columns have constant defaults. */
export class TryLimitsOut1795763000700 implements MigrationInterface {
  name = 'TryLimitsOut1795763000700';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD COLUMN shadow boolean NOT NULL DEFAULT false`);
    await queryRunner.query(`ALTER TABLE user_quota_forms ADD COLUMN shadow boolean`);
    await queryRunner.query(`
      ALTER TABLE quota_overage ADD COLUMN shadow_requests integer NOT NULL DEFAULT 0, ADD COLUMN shadow_units bigint NOT NULL DEFAULT 0
    `);
    await queryRunner.query(`
      -- Reads the columns by name, so that it holds those of migrations beside this one too.
      CREATE OR REPLACE FUNCTION tier_forms(t subscription_tiers) RETURNS jsonb
      LANGUAGE sql STABLE AS $$
        SELECT nullif(jsonb_strip_nulls(jsonb_build_object('overage', j -> 'overage', 'rollover', j -> 'rollover', 'shadow', nullif(j -> 'shadow', 'false'),
          'maxInFlight', j -> 'max_in_flight', 'maxInFlightByType', j -> 'max_in_flight_by_type', 'limits', j -> 'limits')), '{}')
        FROM to_jsonb(t) AS j
      $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION tier_forms(t subscription_tiers) RETURNS jsonb
      LANGUAGE sql IMMUTABLE AS $$ SELECT nullif(jsonb_strip_nulls(jsonb_build_object('overage', t.overage, 'rollover', t.rollover)), '{}') $$
    `);
    await queryRunner.query(`ALTER TABLE quota_overage DROP COLUMN shadow_requests, DROP COLUMN shadow_units`);
    await queryRunner.query(`ALTER TABLE user_quota_forms DROP COLUMN shadow`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN shadow`);
  }
}
