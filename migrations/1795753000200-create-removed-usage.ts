import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What users who were deleted had used, day by day and without them: totals over time stay what they were. */
export class CreateRemovedUsage1795753000200 implements MigrationInterface {
  name = 'CreateRemovedUsage1795753000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE removed_usage (
        date date NOT NULL,
        users integer NOT NULL,
        requests bigint NOT NULL,
        used bigint NOT NULL,
        refunded bigint NOT NULL,
        CONSTRAINT removed_usage_pkey PRIMARY KEY (date),
        CONSTRAINT removed_usage_users_check CHECK (users > 0),
        CONSTRAINT removed_usage_sums_check CHECK (requests >= 0 AND used >= 0 AND refunded >= 0)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE removed_usage`);
  }
}
