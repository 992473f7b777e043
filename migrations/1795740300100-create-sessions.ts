import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * One row for a session, whatever how often its token is rotated. What began before goes on: a family of `refresh_tokens` that
 * nobody revoked becomes a row, found by its tokens through `refresh_tokens`, which is written no more and empties as they expire.
 */
export class CreateSessions1795740300100 implements MigrationInterface {
  name = 'CreateSessions1795740300100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE sessions (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id integer NOT NULL,
        token_version integer NOT NULL,
        lineage_hash bytea NOT NULL,
        token_hash bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_used_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        CONSTRAINT sessions_pkey PRIMARY KEY (id),
        CONSTRAINT sessions_lineage_hash_key UNIQUE (lineage_hash),
        CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT sessions_lineage_hash_check CHECK (octet_length(lineage_hash) = 32),
        CONSTRAINT sessions_token_hash_check CHECK (octet_length(token_hash) = 32)
      )
    `);
    await queryRunner.query(`
      CREATE INDEX sessions_user_id_id_idx ON sessions (user_id, id)
    `);
    await queryRunner.query(`
      CREATE INDEX sessions_expires_at_idx ON sessions (expires_at)
    `);
    // Of a family with a revoked token none may live on, though a rotation that was under way left one.
    await queryRunner.query(`
      INSERT INTO sessions (user_id, token_version, lineage_hash, token_hash, created_at, last_used_at, expires_at)
      SELECT t.user_id, t.token_version, sha256(uuid_send(t.family)), t.token_hash, f.began_at, t.created_at, t.expires_at
      FROM refresh_tokens t
      JOIN (SELECT family, min(created_at) AS began_at, bool_or(revoked_at IS NOT NULL) AS revoked FROM refresh_tokens GROUP BY family) f ON f.family = t.family
      WHERE t.rotated_at IS NULL AND t.expires_at > now() AND NOT f.revoked
      ORDER BY f.began_at, t.id
      ON CONFLICT (lineage_hash) DO NOTHING
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE sessions`);
  }
}
