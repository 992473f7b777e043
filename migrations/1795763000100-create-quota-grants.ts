import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Units beside the day's own: grants, what each request drew on them, and the mark by which a charge finds out that there is
 * more to look at than the counter. New columns have constant defaults, so no table is rewritten; the checks of `requests` are
 * validated in the next migration, without a lock that others wait for.
 */
export class CreateQuotaGrants1795763000100 implements MigrationInterface {
  name = 'CreateQuotaGrants1795763000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users ADD COLUMN quota_forms boolean NOT NULL DEFAULT false`);
    await queryRunner.query(`ALTER TABLE requests ADD COLUMN drawn_units integer NOT NULL DEFAULT 0`);
    await queryRunner.query(`ALTER TABLE requests ADD CONSTRAINT requests_drawn_units_check CHECK (drawn_units >= 0 AND drawn_units <= cost) NOT VALID`);
    await queryRunner.query(`ALTER TABLE requests DROP CONSTRAINT requests_used_at_charge_check`);
    await queryRunner.query(`
      ALTER TABLE requests ADD CONSTRAINT requests_used_at_charge_check
        CHECK (used_at_charge >= cost - drawn_units AND (used_at_charge <= limit_at_charge OR drawn_units = cost)) NOT VALID
    `);
    await queryRunner.query(`
      CREATE TABLE quota_grants (
        id integer GENERATED ALWAYS AS IDENTITY,
        user_id integer NOT NULL,
        units integer NOT NULL,
        used integer NOT NULL DEFAULT 0,
        removed_used integer NOT NULL DEFAULT 0,
        priority smallint NOT NULL DEFAULT 100,
        reason text NOT NULL,
        author integer,
        expires_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT quota_grants_pkey PRIMARY KEY (id),
        CONSTRAINT quota_grants_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT quota_grants_units_check CHECK (units > 0),
        CONSTRAINT quota_grants_used_check CHECK (used >= 0 AND used <= units),
        CONSTRAINT quota_grants_removed_used_check CHECK (removed_used >= 0),
        CONSTRAINT quota_grants_priority_check CHECK (priority >= 0 AND priority <= 1000)
      )
    `);
    await queryRunner.query(`CREATE INDEX quota_grants_user_id_id_idx ON quota_grants (user_id, id)`);
    await queryRunner.query(`
      CREATE TABLE request_draws (
        request_id uuid NOT NULL,
        begins integer NOT NULL,
        units integer NOT NULL,
        source varchar(10) NOT NULL,
        grant_id integer,
        CONSTRAINT request_draws_pkey PRIMARY KEY (request_id, begins),
        CONSTRAINT request_draws_request_id_fkey FOREIGN KEY (request_id) REFERENCES requests (id) ON DELETE CASCADE,
        CONSTRAINT request_draws_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES quota_grants (id) ON DELETE CASCADE,
        CONSTRAINT request_draws_begins_check CHECK (begins >= 0),
        CONSTRAINT request_draws_units_check CHECK (units > 0),
        CONSTRAINT request_draws_source_check CHECK (source IN ('grant', 'overage', 'shadow') AND (source = 'grant') = (grant_id IS NOT NULL))
      )
    `);
    await queryRunner.query(`CREATE INDEX request_draws_grant_id_idx ON request_draws (grant_id)`);
    await queryRunner.query(`
      -- Whoever makes a grant, or lets one live on: a charge that begins afterwards knows of it by the user's row.
      CREATE FUNCTION mark_quota_forms() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE users SET quota_forms = true WHERE id = NEW.user_id AND NOT quota_forms;
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER quota_grants_mark_forms AFTER INSERT OR UPDATE OF user_id, expires_at, revoked_at ON quota_grants
      FOR EACH ROW WHEN (NEW.revoked_at IS NULL) EXECUTE FUNCTION mark_quota_forms()
    `);
    await queryRunner.query(`
      -- What a plan has beside its daily quota; null: nothing, and its users are charged the plain way.
      CREATE FUNCTION tier_forms(t subscription_tiers) RETURNS jsonb
      LANGUAGE sql IMMUTABLE AS $$ SELECT NULL::jsonb $$
    `);
    await queryRunner.query(quotaPlans(`, tier_forms(p)`, ` OR tier_forms(p) IS NOT NULL`));
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(quotaPlans('', ''));
    await queryRunner.query(`DROP FUNCTION tier_forms(subscription_tiers)`);
    await queryRunner.query(`DROP TABLE request_draws`);
    await queryRunner.query(`DROP TABLE quota_grants`);
    await queryRunner.query(`DROP FUNCTION mark_quota_forms()`);
    // The release before knows no charge that costs more than it adds to the counter.
    await queryRunner.query(`UPDATE requests SET used_at_charge = NULL WHERE drawn_units > 0`);
    await queryRunner.query(`ALTER TABLE requests DROP CONSTRAINT requests_used_at_charge_check`);
    await queryRunner.query(`ALTER TABLE requests DROP COLUMN drawn_units`);
    await queryRunner.query(`
      ALTER TABLE requests ADD CONSTRAINT requests_used_at_charge_check CHECK (used_at_charge >= cost AND used_at_charge <= limit_at_charge)
    `);
    await queryRunner.query(`ALTER TABLE users DROP COLUMN quota_forms`);
  }
}

/** Of each plan that is not in every row of users, or has more than a daily quota: [name, version, unlimited, daily_quota, edited_at, forms]. */
function quotaPlans(member: string, condition: string): string {
  return `
    CREATE OR REPLACE FUNCTION quota_plans() RETURNS jsonb
    LANGUAGE plpgsql STABLE AS $$
    BEGIN
      RETURN (
        SELECT jsonb_object_agg(t.name, jsonb_build_array(p.name,
          CASE WHEN p.copied_version < p.version THEN p.version ELSE -1 END, p.unlimited, p.daily_quota, p.edited_at${member}))
        FROM subscription_tiers t JOIN subscription_tiers p ON p.id = coalesce(t.alias_of, t.id)
        WHERE t.alias_of IS NOT NULL OR t.copied_version < t.version${condition}
      );
    END $$
  `;
}
