import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** One user's own value for one key, and every version it ever had. */
export class CreateUserConfigurations1795305606000 implements MigrationInterface {
  name = 'CreateUserConfigurations1795305606000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE user_configurations (
        user_id integer NOT NULL,
        key varchar(100) NOT NULL,
        value jsonb NOT NULL,
        version integer NOT NULL DEFAULT 1,
        updated_by integer,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT user_configurations_pkey PRIMARY KEY (user_id, key),
        CONSTRAINT user_configurations_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT user_configurations_version_check CHECK (version > 0)
      )
    `);
    await queryRunner.query(`
      CREATE INDEX user_configurations_key_user_id_idx ON user_configurations (key, user_id)
    `);
    await queryRunner.query(`
      CREATE TABLE user_configuration_versions (
        user_id integer NOT NULL,
        key varchar(100) NOT NULL,
        version integer NOT NULL,
        content jsonb,
        author integer,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT user_configuration_versions_pkey PRIMARY KEY (user_id, key, version),
        CONSTRAINT user_configuration_versions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE user_configuration_versions`);
    await queryRunner.query(`DROP TABLE user_configurations`);
  }
}
