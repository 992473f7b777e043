import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Apart from adding the checks, so that reading the tables holds no lock that keeps anybody out. */
export class ValidateOverage1795763000500 implements MigrationInterface {
  name = 'ValidateOverage1795763000500';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE subscription_tiers VALIDATE CONSTRAINT subscription_tiers_overage_check`);
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_quota_overage_today_check`);
  }

  async down(): Promise<void> {
    // A check that was validated holds no more than one that was not, for what is written from now on.
  }
}
