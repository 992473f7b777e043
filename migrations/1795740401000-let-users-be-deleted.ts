import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A deleted account keeps its row until everything that hangs on it is gone. Validated in the next migration, without a lock that others wait for. */
export class LetUsersBeDeleted1795740401000 implements MigrationInterface {
  name = 'LetUsersBeDeleted1795740401000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users DROP CONSTRAINT users_status_check`);
    await queryRunner.query(`ALTER TABLE users ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'suspended', 'deleted')) NOT VALID`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM users WHERE status = 'deleted'`);
    await queryRunner.query(`ALTER TABLE users DROP CONSTRAINT users_status_check`);
    await queryRunner.query(`ALTER TABLE users ADD CONSTRAINT users_status_check CHECK (status IN ('active', 'suspended'))`);
  }
}
