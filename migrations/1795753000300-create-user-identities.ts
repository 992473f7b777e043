import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Who at an identity provider is which user here. */
export class CreateUserIdentities1795753000300 implements MigrationInterface {
  name = 'CreateUserIdentities1795753000300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE user_identities (
        issuer varchar(500) NOT NULL,
        subject varchar(255) NOT NULL,
        user_id integer NOT NULL,
        tier varchar(50),
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT user_identities_pkey PRIMARY KEY (issuer, subject),
        CONSTRAINT user_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT user_identities_subject_check CHECK (subject <> '')
      )
    `);
    await queryRunner.query(`CREATE INDEX user_identities_user_id_idx ON user_identities (user_id)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE user_identities`);
  }
}
