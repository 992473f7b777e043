import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Every run of a job. A scheduled one holds its slot, the instant it was due, which one replica alone can insert. */
export class CreateJobRuns1795305612000 implements MigrationInterface {
  name = 'CreateJobRuns1795305612000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE job_runs (
        id bigint GENERATED ALWAYS AS IDENTITY,
        job varchar(50) NOT NULL,
        slot timestamptz,
        trigger varchar(20) NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'running',
        affected integer NOT NULL DEFAULT 0,
        error text,
        started_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        CONSTRAINT job_runs_pkey PRIMARY KEY (id),
        CONSTRAINT job_runs_job_slot_key UNIQUE (job, slot),
        CONSTRAINT job_runs_trigger_check CHECK (trigger IN ('schedule', 'api', 'command')),
        CONSTRAINT job_runs_status_check CHECK (status IN ('running', 'succeeded', 'failed')),
        CONSTRAINT job_runs_affected_check CHECK (affected >= 0)
      )
    `);
    await queryRunner.query(`
      CREATE INDEX job_runs_job_started_at_idx ON job_runs (job, started_at)
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE job_runs`);
  }
}
