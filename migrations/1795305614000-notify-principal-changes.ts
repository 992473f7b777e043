import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Tells every replica whose cached credentials are stale, whoever made the change: the service, psql or another ORM.
 * The columns of a charge are not in the lists, so charging pays nothing for this. */
export class NotifyPrincipalChanges1795305614000 implements MigrationInterface {
  name = 'NotifyPrincipalChanges1795305614000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION notify_principal_change() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'TRUNCATE' THEN
          PERFORM pg_notify('principals', '*');
        ELSIF TG_TABLE_NAME = 'users' THEN
          PERFORM pg_notify('principals', OLD.id::text);
        ELSE
          PERFORM pg_notify('principals', OLD.user_id::text);
        END IF;
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER users_notify AFTER DELETE OR UPDATE OF role, status, token_version ON users FOR EACH ROW EXECUTE FUNCTION notify_principal_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER users_notify_truncate AFTER TRUNCATE ON users FOR EACH STATEMENT EXECUTE FUNCTION notify_principal_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER api_keys_notify AFTER DELETE OR UPDATE OF key_hash, scopes, daily_cap, expires_at, revoked_at ON api_keys FOR EACH ROW EXECUTE FUNCTION notify_principal_change()
    `);
    await queryRunner.query(`
      CREATE TRIGGER api_keys_notify_truncate AFTER TRUNCATE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION notify_principal_change()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER api_keys_notify_truncate ON api_keys`);
    await queryRunner.query(`DROP TRIGGER api_keys_notify ON api_keys`);
    await queryRunner.query(`DROP TRIGGER users_notify_truncate ON users`);
    await queryRunner.query(`DROP TRIGGER users_notify ON users`);
    await queryRunner.query(`DROP FUNCTION notify_principal_change()`);
  }
}
