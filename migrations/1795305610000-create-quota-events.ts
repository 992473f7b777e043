import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Crossings of a share of the daily quota: one row per user, period and threshold, for notifications to read. */
export class CreateQuotaEvents1795305610000 implements MigrationInterface {
  name = 'CreateQuotaEvents1795305610000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE quota_events (
        id bigint GENERATED ALWAYS AS IDENTITY,
        user_id integer NOT NULL,
        date date NOT NULL,
        fold smallint NOT NULL DEFAULT 0,
        threshold numeric(5, 4) NOT NULL,
        used integer NOT NULL,
        quota integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT quota_events_pkey PRIMARY KEY (id),
        CONSTRAINT quota_events_user_id_date_fold_threshold_key UNIQUE (user_id, date, fold, threshold),
        CONSTRAINT quota_events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT quota_events_threshold_check CHECK (threshold > 0 AND threshold <= 1)
      )
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE quota_events`);
  }
}
