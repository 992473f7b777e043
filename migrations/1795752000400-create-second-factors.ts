import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Authenticator apps and recovery codes. Every replica is notified of who has one, for what administrators may do can depend on it. */
export class CreateSecondFactors1795752000400 implements MigrationInterface {
  name = 'CreateSecondFactors1795752000400';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE second_factors (
        user_id integer NOT NULL,
        secret jsonb NOT NULL,
        confirmed_at timestamptz,
        last_step bigint,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT second_factors_pkey PRIMARY KEY (user_id),
        CONSTRAINT second_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )
    `);
    await queryRunner.query(`
      CREATE TABLE recovery_codes (
        user_id integer NOT NULL,
        code_hash bytea NOT NULL,
        CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash),
        CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT recovery_codes_code_hash_check CHECK (octet_length(code_hash) = 32)
      )
    `);
    await queryRunner.query(`
      CREATE TRIGGER second_factors_notify AFTER INSERT OR DELETE OR UPDATE OF confirmed_at ON second_factors FOR EACH ROW EXECUTE FUNCTION notify_proof_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER second_factors_notify_truncate AFTER TRUNCATE ON second_factors FOR EACH STATEMENT EXECUTE FUNCTION notify_proof_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE recovery_codes`);
    await queryRunner.query(`DROP TABLE second_factors`);
  }
}
