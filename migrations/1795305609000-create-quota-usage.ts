import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Closed days. `used` is net of refunds, like the counter it came from; `quota` is null for an unlimited day. */
export class CreateQuotaUsage1795305609000 implements MigrationInterface {
  name = 'CreateQuotaUsage1795305609000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE quota_usage (
        user_id integer NOT NULL,
        date date NOT NULL,
        quota integer,
        used integer NOT NULL,
        refunded integer NOT NULL DEFAULT 0,
        requests integer NOT NULL DEFAULT 0,
        removed_used integer NOT NULL DEFAULT 0,
        removed_refunded integer NOT NULL DEFAULT 0,
        removed_requests integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT quota_usage_pkey PRIMARY KEY (user_id, date),
        CONSTRAINT quota_usage_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT quota_usage_used_check CHECK (used >= 0),
        CONSTRAINT quota_usage_refunded_check CHECK (refunded >= 0),
        CONSTRAINT quota_usage_requests_check CHECK (requests >= 0)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE quota_usage`);
  }
}
