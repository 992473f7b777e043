import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Changes of system settings that wait: for a second administrator, for their instant, or for both. Content null: back to the default. */
export class CreateSystemConfigurationChanges1795305620000 implements MigrationInterface {
  name = 'CreateSystemConfigurationChanges1795305620000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE system_configuration_changes (
        id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
        key varchar(100) NOT NULL,
        base_version integer NOT NULL,
        content jsonb,
        status varchar(20) NOT NULL,
        requires_approval boolean NOT NULL,
        effective_at timestamptz,
        reason text,
        author integer NOT NULL,
        approved_by integer,
        approved_at timestamptz,
        ended_by integer,
        ended_at timestamptz,
        version integer,
        error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT system_configuration_changes_pkey PRIMARY KEY (id),
        CONSTRAINT system_configuration_changes_status_check CHECK (status IN ('proposed', 'approved', 'applied', 'withdrawn', 'stale', 'failed')),
        CONSTRAINT system_configuration_changes_four_eyes_check CHECK (approved_by <> author),
        CONSTRAINT system_configuration_changes_approval_check
          CHECK (NOT requires_approval OR approved_by IS NOT NULL OR status NOT IN ('approved', 'applied'))
      )
    `);
    await queryRunner.query(`
      CREATE INDEX system_configuration_changes_key_id_idx ON system_configuration_changes (key, id)
    `);
    await queryRunner.query(`
      CREATE INDEX system_configuration_changes_effective_at_idx ON system_configuration_changes (effective_at) WHERE status = 'approved'
    `);
    await queryRunner.query(`
      CREATE TRIGGER system_configuration_changes_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON system_configuration_changes
      FOR EACH STATEMENT EXECUTE FUNCTION notify_setting_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE system_configuration_changes`);
  }
}
