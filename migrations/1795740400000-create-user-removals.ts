import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Accounts that were deleted and whose rows still go, a batch at a time: a short list, so that whoever must leave their requests out reads next to nothing. */
export class CreateUserRemovals1795740400000 implements MigrationInterface {
  name = 'CreateUserRemovals1795740400000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE user_removals (
        user_id integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT user_removals_pkey PRIMARY KEY (user_id),
        CONSTRAINT user_removals_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE user_removals`);
  }
}
