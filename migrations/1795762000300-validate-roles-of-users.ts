import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Reads the users while they are used. */
export class ValidateRolesOfUsers1795762000300 implements MigrationInterface {
  name = 'ValidateRolesOfUsers1795762000300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_role_check`);
  }

  async down(): Promise<void> {
    // The migration before takes the constraint back.
  }
}
