import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Apart from adding the check, so that reading the table holds no lock that keeps anybody out. */
export class ValidateLimitsOfTiers1795770000400 implements MigrationInterface {
  name = 'ValidateLimitsOfTiers1795770000400';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers VALIDATE CONSTRAINT subscription_tiers_limits_check`);
  }

  async down(): Promise<void> {
    // A check that was validated holds no more than one that was not, for what is written from now on.
  }
}
