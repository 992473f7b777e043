import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Tells every replica to read the settings anew, whoever changed them. */
export class NotifySettingChanges1795305615000 implements MigrationInterface {
  name = 'NotifySettingChanges1795305615000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION notify_setting_change() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('settings', '');
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER system_configurations_notify AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON system_configurations
      FOR EACH STATEMENT EXECUTE FUNCTION notify_setting_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER system_configurations_notify ON system_configurations`);
    await queryRunner.query(`DROP FUNCTION notify_setting_change()`);
  }
}
