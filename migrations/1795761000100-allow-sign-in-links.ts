import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A token may begin a session, too: what the first administrator is shown. */
export class AllowSignInLinks1795761000100 implements MigrationInterface {
  name = 'AllowSignInLinks1795761000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await replaceCheck(queryRunner, `purpose IN ('verify-email', 'reset-password', 'sign-in')`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM one_time_tokens WHERE purpose = 'sign-in'`);
    await replaceCheck(queryRunner, `purpose IN ('verify-email', 'reset-password')`);
  }
}

async function replaceCheck(queryRunner: QueryRunner, condition: string): Promise<void> {
  await queryRunner.query(`ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_purpose_check`);
  await queryRunner.query(`ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_purpose_check CHECK (${condition}) NOT VALID`);
}
