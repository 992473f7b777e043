import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** How far a run is, for those who ask and for the next run: one with `done` = `total` left nothing to do. No table is rewritten. */
export class ShowProgressOfJobs1795741000200 implements MigrationInterface {
  name = 'ShowProgressOfJobs1795741000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE job_runs ADD COLUMN done integer, ADD COLUMN total integer, ADD COLUMN progress_at timestamptz`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE job_runs DROP COLUMN done, DROP COLUMN total, DROP COLUMN progress_at`);
  }
}
