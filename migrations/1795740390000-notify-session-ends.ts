import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Tells every replica of sessions that ended, so that their access tokens, streams and long polls end too. One that ran out by itself is left out: its tokens did long before. */
export class NotifySessionEnds1795740390000 implements MigrationInterface {
  name = 'NotifySessionEnds1795740390000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TRIGGER sessions_notify_end AFTER DELETE ON sessions FOR EACH ROW WHEN (OLD.expires_at > now()) EXECUTE FUNCTION notify_principal_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER sessions_notify_expiry AFTER UPDATE OF expires_at ON sessions FOR EACH ROW WHEN (NEW.expires_at < OLD.expires_at)
      EXECUTE FUNCTION notify_principal_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER sessions_notify_truncate AFTER TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION notify_principal_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER sessions_notify_truncate ON sessions`);
    await queryRunner.query(`DROP TRIGGER sessions_notify_expiry ON sessions`);
    await queryRunner.query(`DROP TRIGGER sessions_notify_end ON sessions`);
  }
}
