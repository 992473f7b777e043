import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Whose day is none begins today: nothing could be charged to it. */
export class MendDaysBeyondTheCalendar1795741100200 implements MigrationInterface {
  name = 'MendDaysBeyondTheCalendar1795741100200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `UPDATE users SET quota_reset_date = DEFAULT WHERE NOT (quota_reset_date BETWEEN '1970-01-01' AND '9999-12-30' OR status = 'deleted')`,
    );
    await queryRunner.query(`ALTER TABLE users VALIDATE CONSTRAINT users_quota_reset_date_check`);
  }

  async down(): Promise<void> {
    // What the days were is of no use, and the migration before takes the constraint back.
  }
}
