import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The moves that a request's status may make, whoever makes them; final ones make none. The condition is in the trigger, so a legal move calls nothing. */
export class GuardRequestStatus1795305618000 implements MigrationInterface {
  name = 'GuardRequestStatus1795305618000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE FUNCTION refuse_request_move() RETURNS trigger
      LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'request % cannot go from % to %', OLD.id, OLD.status, NEW.status
          USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_status_move', TABLE = 'requests';
      END $$
    `);
    await queryRunner.query(`
      CREATE TRIGGER requests_status_move BEFORE UPDATE OF status ON requests FOR EACH ROW
      WHEN (
        OLD.status <> NEW.status AND NOT CASE OLD.status
          WHEN 'pending' THEN NEW.status IN ('processing', 'canceled', 'expired')
          WHEN 'processing' THEN true
          ELSE false
        END
      )
      EXECUTE FUNCTION refuse_request_move()
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TRIGGER requests_status_move ON requests`);
    await queryRunner.query(`DROP FUNCTION refuse_request_move()`);
  }
}
