import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type JobRun, type JobTrigger } from './entities/job-run.entity';

/** A run that is silent for so long is taken for dead: its process went without a report. */
const ABANDONED = `interval '1 hour'`;

const RUN = `id, job, slot, trigger, status, affected, done, total, progress_at AS "progressAt", error, started_at AS "startedAt", finished_at AS "finishedAt"`;

/** How far a run is. */
export interface JobProgress {
  /** Rows that it changed. */
  affected: number;
  /** Items that it has been through and left nothing to do of. */
  done: number;
  /** Items that it goes through. */
  total: number;
}

@Injectable()
export class JobsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Begins a run. Null when the slot was taken: one replica alone inserts (job, slot). */
  async begin(job: string, trigger: JobTrigger, slot: Date | null, tx: EntityManager = this.dataSource.manager): Promise<string | null> {
    const rows: { id: string }[] = await tx.query(
      `INSERT INTO job_runs (job, trigger, slot, started_at) VALUES ($1, $2, $3, now()) ON CONFLICT (job, slot) DO NOTHING RETURNING id`,
      [job, trigger, slot],
    );
    return rows[0]?.id ?? null;
  }

  /** Ends a run. One that was stopped before its end gives its slot back, so that it is made up for at the next start. */
  async end(id: string, affected: number, error: string | null, stopped = false): Promise<void> {
    await this.dataSource.query(
      `UPDATE job_runs SET status = CASE WHEN $3::text IS NULL THEN 'succeeded' ELSE 'failed' END, affected = $2, error = $3, finished_at = now(),
         slot = CASE WHEN NOT $4::boolean THEN slot END
       WHERE id = $1`,
      [id, affected, error, stopped],
    );
  }

  async saveProgress(id: string, { affected, done, total }: JobProgress): Promise<void> {
    await this.dataSource.query(`UPDATE job_runs SET affected = $2, done = $3, total = $4, progress_at = now() WHERE id = $1`, [id, affected, done, total]);
  }

  /** When the job's last run that left nothing to do began, as PostgreSQL writes it; null: none did. A run of the future is not believed. */
  async lastComplete(job: string): Promise<string | null> {
    const rows: { startedAt: string }[] = await this.dataSource.query(
      `SELECT started_at::text AS "startedAt" FROM job_runs
       WHERE job = $1 AND status = 'succeeded' AND done = total AND started_at <= now() ORDER BY started_at DESC LIMIT 1`,
      [job],
    );
    return rows[0]?.startedAt ?? null;
  }

  /** The last runs of each job, newest first. */
  async lastRuns(jobs: string[], count: number): Promise<JobRun[]> {
    return this.dataSource.query(
      `SELECT r.* FROM unnest($1::text[]) AS j (job)
       CROSS JOIN LATERAL (SELECT ${RUN} FROM job_runs WHERE job = j.job ORDER BY started_at DESC, id DESC LIMIT $2) r`,
      [jobs, count],
    );
  }

  /** When each job last ended well, of those that ever did. Reads no further back than to that run. */
  async lastSuccesses(jobs: string[]): Promise<{ job: string; finishedAt: Date }[]> {
    return this.dataSource.query(
      `SELECT j.job, r.finished_at AS "finishedAt" FROM unnest($1::text[]) AS j (job)
       CROSS JOIN LATERAL (SELECT finished_at FROM job_runs WHERE job = j.job AND status = 'succeeded' ORDER BY started_at DESC LIMIT 1) r`,
      [jobs],
    );
  }

  /** Marks runs whose process died, and forgets runs of more than 90 days ago. */
  async tidy(): Promise<void> {
    await this.dataSource.query(
      `UPDATE job_runs SET status = 'failed', error = 'abandoned', finished_at = now()
       WHERE status = 'running' AND greatest(started_at, progress_at) < now() - ${ABANDONED}`,
    );
    await this.dataSource.query(`DELETE FROM job_runs WHERE started_at < now() - interval '90 days'`);
  }
}
