import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * A day that no arithmetic can go on from (`infinity`, the year 5874897) made every statement about its user fail. Validated in
 * the next migration, without a lock that others wait for. Deleted accounts have a day that never ends, so that no job finds them.
 */
export class KeepDaysInTheCalendar1795741100100 implements MigrationInterface {
  name = 'KeepDaysInTheCalendar1795741100100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `ALTER TABLE users ADD CONSTRAINT users_quota_reset_date_check
         CHECK (quota_reset_date BETWEEN '1970-01-01' AND '9999-12-30' OR status = 'deleted') NOT VALID`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE users DROP CONSTRAINT users_quota_reset_date_check`);
  }
}
