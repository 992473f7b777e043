import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What was answered to which Idempotency-Key: a request's row answers for itself, anything else keeps status and body. */
export class CreateIdempotencyKeys1795305608000 implements MigrationInterface {
  name = 'CreateIdempotencyKeys1795305608000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE idempotency_keys (
        user_id integer NOT NULL,
        scope varchar(50) COLLATE "C" NOT NULL,
        key varchar(255) COLLATE "C" NOT NULL,
        fingerprint bytea NOT NULL,
        request_id uuid,
        response_status smallint,
        response_body text,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, scope, key),
        CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT idempotency_keys_response_check CHECK ((request_id IS NULL) <> (response_status IS NULL))
      )
    `);
    await queryRunner.query(`
      CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys USING brin (created_at)
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE idempotency_keys`);
  }
}
