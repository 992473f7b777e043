import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The door for zones, whoever writes them. Triggers of the columns alone, so a charge, which does not set them, pays nothing.
 * What stands in the tables already stays: the projection survives it. Each trigger needs its table's lock for an instant.
 */
export class RefuseUnknownZones1795740600200 implements MigrationInterface {
  name = 'RefuseUnknownZones1795740600200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- PostgreSQL also reckons with abbreviations and POSIX rules ("FOO7"), which are no IANA names; and it reads all names from
      -- the disk, so a name that a user has already is not looked for again.
      CREATE FUNCTION refuse_unknown_user_zone() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'UPDATE' AND NEW.time_zone = OLD.time_zone THEN
          RETURN NEW;
        END IF;
        IF NOT quota_zone_known(NEW.time_zone)
           OR NOT (EXISTS (SELECT FROM users u WHERE u.time_zone = NEW.time_zone)
             OR EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = NEW.time_zone)) THEN
          RAISE EXCEPTION '% is not a time zone that this PostgreSQL knows', quote_literal(NEW.time_zone)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'users_time_zone_check', TABLE = 'users', COLUMN = 'time_zone';
        END IF;
        RETURN NEW;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER users_time_zone_check BEFORE INSERT OR UPDATE OF time_zone ON users
      FOR EACH ROW WHEN (NEW.time_zone IS NOT NULL) EXECUTE FUNCTION refuse_unknown_user_zone()
    `);
    await queryRunner.query(`
      CREATE FUNCTION refuse_unknown_system_zone() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        IF jsonb_typeof(NEW.value) <> 'string' OR NOT EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = NEW.value #>> '{}') THEN
          RAISE EXCEPTION '% is not a time zone that this PostgreSQL knows', NEW.value
            USING ERRCODE = 'check_violation', CONSTRAINT = 'system_configurations_time_zone_check', TABLE = 'system_configurations', COLUMN = 'value';
        END IF;
        RETURN NEW;
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER system_configurations_time_zone_check BEFORE INSERT OR UPDATE OF value ON system_configurations
      FOR EACH ROW WHEN (NEW.key = 'quota.timeZone') EXECUTE FUNCTION refuse_unknown_system_zone()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER system_configurations_time_zone_check ON system_configurations`);
    await queryRunner.query(`DROP FUNCTION refuse_unknown_system_zone()`);
    await queryRunner.query(`DROP TRIGGER users_time_zone_check ON users`);
    await queryRunner.query(`DROP FUNCTION refuse_unknown_user_zone()`);
  }
}
