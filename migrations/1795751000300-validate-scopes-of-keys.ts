import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Reads the keys while they are used. */
export class ValidateScopesOfKeys1795751000300 implements MigrationInterface {
  name = 'ValidateScopesOfKeys1795751000300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE api_keys VALIDATE CONSTRAINT api_keys_scopes_check`);
  }

  async down(): Promise<void> {
    // The migration before takes the constraint back.
  }
}
