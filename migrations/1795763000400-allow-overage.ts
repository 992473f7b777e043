import { type MigrationInterface, type QueryRunner } from 'typeorm';

const OVERAGE_CHECK = `overage IS NULL OR jsonb_typeof(overage) = 'object' AND CASE jsonb_typeof(overage -> 'max')
  WHEN 'number' THEN (overage ->> 'max')::numeric BETWEEN 0 AND 2147483647 AND (overage ->> 'max')::numeric % 1 = 0 ELSE overage -> 'max' IS NULL END`;

/**
 * Units beyond the quota: of a plan, or of one user in its place. The counter in the user's row bears the name of its period, so
 * that nobody has to clear it when the day ends; the table beside has what each day came to. New columns have constant defaults.
 */
export class AllowOverage1795763000400 implements MigrationInterface {
  name = 'AllowOverage1795763000400';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD COLUMN overage jsonb`);
    await queryRunner.query(`ALTER TABLE subscription_tiers ADD CONSTRAINT subscription_tiers_overage_check CHECK (${OVERAGE_CHECK}) NOT VALID`);
    await queryRunner.query(`
      ALTER TABLE users ADD COLUMN quota_overage_today integer NOT NULL DEFAULT 0, ADD COLUMN quota_overage_date date,
        ADD COLUMN quota_overage_fold smallint NOT NULL DEFAULT 0
    `);
    await queryRunner.query(`ALTER TABLE users ADD CONSTRAINT users_quota_overage_today_check CHECK (quota_overage_today >= 0) NOT VALID`);
    await queryRunner.query(`
      CREATE TABLE user_quota_forms (
        user_id integer NOT NULL,
        overage jsonb,
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT user_quota_forms_pkey PRIMARY KEY (user_id),
        CONSTRAINT user_quota_forms_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT user_quota_forms_overage_check CHECK (${OVERAGE_CHECK})
      )
    `);
    await queryRunner.query(`
      CREATE TRIGGER user_quota_forms_mark_forms AFTER INSERT OR UPDATE ON user_quota_forms
      FOR EACH ROW EXECUTE FUNCTION mark_quota_forms()
    `);
    await queryRunner.query(`
      CREATE TABLE quota_overage (
        user_id integer NOT NULL,
        date date NOT NULL,
        fold smallint NOT NULL DEFAULT 0,
        units integer NOT NULL,
        removed_units integer NOT NULL DEFAULT 0,
        CONSTRAINT quota_overage_pkey PRIMARY KEY (user_id, date, fold),
        CONSTRAINT quota_overage_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT quota_overage_units_check CHECK (units >= 0),
        CONSTRAINT quota_overage_removed_units_check CHECK (removed_units >= 0)
      )
    `);
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION tier_forms(t subscription_tiers) RETURNS jsonb
      LANGUAGE sql IMMUTABLE AS $$ SELECT nullif(jsonb_strip_nulls(jsonb_build_object('overage', t.overage)), '{}') $$
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE OR REPLACE FUNCTION tier_forms(t subscription_tiers) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT NULL::jsonb $$
    `);
    await queryRunner.query(`DROP TABLE quota_overage`);
    await queryRunner.query(`DROP TABLE user_quota_forms`);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN quota_overage_today, DROP COLUMN quota_overage_date, DROP COLUMN quota_overage_fold`);
    await queryRunner.query(`ALTER TABLE subscription_tiers DROP COLUMN overage`);
  }
}
