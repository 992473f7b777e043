import { Check, Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

export type JobTrigger = 'schedule' | 'api' | 'command';

@Entity('job_runs')
@Unique('job_runs_job_slot_key', ['job', 'slot'])
@Index('job_runs_job_started_at_idx', ['job', 'startedAt'])
@Check('job_runs_trigger_check', "trigger IN ('schedule', 'api', 'command')")
@Check('job_runs_status_check', "status IN ('running', 'succeeded', 'failed')")
@Check('job_runs_affected_check', 'affected >= 0')
export class JobRun {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'job_runs_pkey' })
  id: string;

  @Column({ type: 'varchar', length: 50 })
  job: string;

  /** When a scheduled run was due; null for one that was asked for. */
  @Column({ type: 'timestamptz', nullable: true })
  slot: Date | null;

  @Column({ type: 'varchar', length: 20 })
  trigger: JobTrigger;

  @Column({ type: 'varchar', length: 20, default: 'running' })
  status: 'running' | 'succeeded' | 'failed';

  /** Rows that the run changed. */
  @Column({ type: 'integer', default: 0 })
  affected: number;

  /** Items that the run has been through, of all that it will go through; null: it does not report. */
  @Column({ type: 'integer', nullable: true })
  done: number | null;

  @Column({ type: 'integer', nullable: true })
  total: number | null;

  /** When it last reported. */
  @Column({ name: 'progress_at', type: 'timestamptz', nullable: true })
  progressAt: Date | null;

  @Column({ type: 'text', nullable: true })
  error: string | null;

  @Column({ name: 'started_at', type: 'timestamptz', default: () => 'now()' })
  startedAt: Date;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;
}
