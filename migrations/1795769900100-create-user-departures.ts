import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Accounts that were deleted and may still be restored: a short list, so that the job that ends them reads next to nothing. */
export class CreateUserDepartures1795769900100 implements MigrationInterface {
  name = 'CreateUserDepartures1795769900100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE user_departures (
        user_id integer NOT NULL,
        status_before varchar(20) NOT NULL,
        removal_due_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT user_departures_pkey PRIMARY KEY (user_id),
        CONSTRAINT user_departures_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT user_departures_status_before_check CHECK (status_before IN ('active', 'suspended'))
      )
    `);
    await queryRunner.query(`CREATE INDEX user_departures_removal_due_at_idx ON user_departures (removal_due_at)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE user_departures`);
  }
}
