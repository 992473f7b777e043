import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Proven and pending addresses, and the tokens that are mailed for them. Every replica is notified of what a principal's proof becomes, whoever changed it. */
export class CreateProofs1795752000200 implements MigrationInterface {
  name = 'CreateProofs1795752000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE address_proofs (
        user_id integer NOT NULL,
        proven_email varchar(255),
        proven_at timestamptz,
        pending_email varchar(255),
        CONSTRAINT address_proofs_pkey PRIMARY KEY (user_id),
        CONSTRAINT address_proofs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT address_proofs_proven_email_check CHECK ((proven_email IS NULL) = (proven_at IS NULL))
      )
    `);
    await queryRunner.query(`
      CREATE TABLE one_time_tokens (
        token_hash bytea NOT NULL,
        user_id integer NOT NULL,
        purpose varchar(20) NOT NULL,
        email varchar(255) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        CONSTRAINT one_time_tokens_pkey PRIMARY KEY (token_hash),
        CONSTRAINT one_time_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT one_time_tokens_token_hash_check CHECK (octet_length(token_hash) = 32),
        CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('verify-email', 'reset-password'))
      )
    `);
    await queryRunner.query(`
      CREATE INDEX one_time_tokens_user_id_purpose_created_at_idx ON one_time_tokens (user_id, purpose, created_at)
    `);
    await queryRunner.query(`
      CREATE INDEX one_time_tokens_expires_at_idx ON one_time_tokens (expires_at)
    `);
    await queryRunner.query(`
      CREATE FUNCTION notify_proof_change() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'TRUNCATE' THEN
          PERFORM pg_notify('principals', '*');
        ELSIF TG_OP = 'DELETE' THEN
          PERFORM pg_notify('principals', OLD.user_id::text);
        ELSE
          PERFORM pg_notify('principals', NEW.user_id::text);
        END IF;
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER address_proofs_notify AFTER INSERT OR DELETE OR UPDATE OF proven_email ON address_proofs FOR EACH ROW EXECUTE FUNCTION notify_proof_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER address_proofs_notify_truncate AFTER TRUNCATE ON address_proofs FOR EACH STATEMENT EXECUTE FUNCTION notify_proof_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER users_notify_email AFTER UPDATE OF email ON users FOR EACH ROW WHEN (OLD.email IS DISTINCT FROM NEW.email)
      EXECUTE FUNCTION notify_principal_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER users_notify_email ON users`);
    await queryRunner.query(`DROP TABLE one_time_tokens`);
    await queryRunner.query(`DROP TABLE address_proofs`);
    await queryRunner.query(`DROP FUNCTION notify_proof_change()`);
  }
}
