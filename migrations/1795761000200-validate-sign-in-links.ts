import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Apart from adding the check, so that reading the table holds no lock that keeps anybody out. */
export class ValidateSignInLinks1795761000200 implements MigrationInterface {
  name = 'ValidateSignInLinks1795761000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE one_time_tokens VALIDATE CONSTRAINT one_time_tokens_purpose_check`);
  }

  async down(): Promise<void> {
    // A check that was validated holds no more than one that was not, for what is written from now on.
  }
}
