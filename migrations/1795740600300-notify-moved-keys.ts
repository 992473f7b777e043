import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A key that plain SQL gives to another user is noticed too: both of them are told. No table is rewritten. */
export class NotifyMovedKeys1795740600300 implements MigrationInterface {
  name = 'NotifyMovedKeys1795740600300';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION notify_moved_key() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('principals', OLD.user_id::text), pg_notify('principals', NEW.user_id::text);
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER api_keys_notify_moved AFTER UPDATE OF user_id ON api_keys
      FOR EACH ROW WHEN (OLD.user_id <> NEW.user_id) EXECUTE FUNCTION notify_moved_key()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER api_keys_notify_moved ON api_keys`);
    await queryRunner.query(`DROP FUNCTION notify_moved_key()`);
  }
}
