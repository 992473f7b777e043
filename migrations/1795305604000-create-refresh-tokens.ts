import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Refresh tokens by hash. Rotated ones stay until they expire, so that a second use of one is noticed and ends its family. */
export class CreateRefreshTokens1795305604000 implements MigrationInterface {
  name = 'CreateRefreshTokens1795305604000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE refresh_tokens (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id integer NOT NULL,
        family uuid NOT NULL,
        token_hash bytea NOT NULL,
        token_version integer NOT NULL,
        expires_at timestamptz NOT NULL,
        rotated_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT refresh_tokens_pkey PRIMARY KEY (id),
        CONSTRAINT refresh_tokens_token_hash_key UNIQUE (token_hash),
        CONSTRAINT refresh_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )
    `);
    await queryRunner.query(`
      CREATE INDEX refresh_tokens_user_id_idx ON refresh_tokens (user_id)
    `);
    await queryRunner.query(`
      CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (family)
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE refresh_tokens`);
  }
}
