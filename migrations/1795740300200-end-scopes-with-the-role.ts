import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Scopes that only administrators grant end with the role, whoever takes it away: the service, psql or another ORM. They are taken
 * out of the keys, so a later promotion gives none of them back. Keys that an administrator gave to a plain user keep theirs.
 */
export class EndScopesWithTheRole1795740300200 implements MigrationInterface {
  name = 'EndScopesWithTheRole1795740300200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION end_privileged_scopes() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        UPDATE api_keys SET scopes = ARRAY(
          SELECT scope FROM unnest(scopes) WITH ORDINALITY AS s(scope, place) WHERE scope NOT IN ('admin', 'service', 'worker') ORDER BY place
        )
        WHERE id IN (SELECT id FROM api_keys WHERE user_id = NEW.id AND scopes && ARRAY['admin', 'service', 'worker'] ORDER BY id FOR NO KEY UPDATE);
        RETURN NULL;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER users_end_privileged_scopes AFTER UPDATE OF role ON users FOR EACH ROW
      WHEN (OLD.role = 'admin' AND NEW.role <> 'admin') EXECUTE FUNCTION end_privileged_scopes()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER users_end_privileged_scopes ON users`);
    await queryRunner.query(`DROP FUNCTION end_privileged_scopes()`);
  }
}
