import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What a submit was answered first, beside its key: a repeated call is answered the same when retention has taken the request. */
export class RememberFirstAnswers1795740800000 implements MigrationInterface {
  name = 'RememberFirstAnswers1795740800000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE idempotency_keys
        ADD COLUMN request_status varchar(20),
        ADD COLUMN request_cost integer,
        ADD COLUMN charged_on date,
        ADD COLUMN deadline_at timestamptz
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE idempotency_keys DROP COLUMN request_status, DROP COLUMN request_cost, DROP COLUMN charged_on, DROP COLUMN deadline_at
    `);
  }
}
