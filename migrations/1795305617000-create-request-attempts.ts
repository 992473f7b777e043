import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Attempts that did not end their request: given back for another try, or lost with their worker. The last one is in `requests`. */
export class CreateRequestAttempts1795305617000 implements MigrationInterface {
  name = 'CreateRequestAttempts1795305617000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE request_attempts (
        request_id uuid NOT NULL,
        attempt integer NOT NULL,
        outcome varchar(20) NOT NULL,
        error jsonb,
        started_at timestamptz NOT NULL,
        ended_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT request_attempts_pkey PRIMARY KEY (request_id, attempt),
        CONSTRAINT request_attempts_request_id_fkey FOREIGN KEY (request_id) REFERENCES requests (id) ON DELETE CASCADE,
        CONSTRAINT request_attempts_attempt_check CHECK (attempt > 0),
        CONSTRAINT request_attempts_outcome_check CHECK (outcome IN ('returned', 'lost'))
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE request_attempts`);
  }
}
