import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Settings of the whole system, and every version they ever had (content null: back to the default). */
export class CreateSystemConfigurations1795305605000 implements MigrationInterface {
  name = 'CreateSystemConfigurations1795305605000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE system_configurations (
        key varchar(100) NOT NULL,
        value jsonb NOT NULL,
        schema jsonb,
        description text NOT NULL DEFAULT '',
        unit varchar(40),
        visibility varchar(20) NOT NULL DEFAULT 'internal',
        overridable boolean NOT NULL DEFAULT false,
        bounds jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_by integer,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT system_configurations_pkey PRIMARY KEY (key),
        CONSTRAINT system_configurations_key_check CHECK (key <> ''),
        CONSTRAINT system_configurations_visibility_check CHECK (visibility IN ('public', 'internal', 'secret')),
        CONSTRAINT system_configurations_version_check CHECK (version > 0)
      )
    `);
    await queryRunner.query(`
      CREATE TABLE system_configuration_versions (
        key varchar(100) NOT NULL,
        version integer NOT NULL,
        content jsonb,
        author integer,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT system_configuration_versions_pkey PRIMARY KEY (key, version)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE system_configuration_versions`);
    await queryRunner.query(`DROP TABLE system_configurations`);
  }
}
