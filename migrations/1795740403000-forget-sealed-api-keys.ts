import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Version 0.1 kept new API keys, sealed, for retries of a day. From now on none is kept in any form. */
export class ForgetSealedApiKeys1795740403000 implements MigrationInterface {
  name = 'ForgetSealedApiKeys1795740403000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM idempotency_keys WHERE scope = 'api-keys.create'`);
  }

  async down(): Promise<void> {
    // What was forgotten is not known any more.
  }
}
