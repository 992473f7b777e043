import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class ValidateUsersStatus1795740402000 implements MigrationInterface {
  name = 'ValidateUsersStatus1795740402000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_status_check`);
  }

  async down(): Promise<void> {
    // A validated constraint cannot be made unvalidated, and the migration before takes it back.
  }
}
