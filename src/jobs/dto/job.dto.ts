import { type JobTrigger } from '../entities/job-run.entity';

export class JobRunDto {
  id: string;
  /** When it was due; null for a run that was asked for. */
  slot: Date | null;
  trigger: JobTrigger;
  status: 'running' | 'succeeded' | 'failed';
  /** Rows that it changed. */
  affected: number;
  error: string | null;
  startedAt: Date;
  finishedAt: Date | null;
}

export class JobDto {
  name: string;
  cron: string;
  /** The zone that the expression is read in. */
  timeZone: string;
  /** Whether this process runs it on schedule. */
  enabled: boolean;
  nextRunAt: Date | null;
  /** What is not as it is stored, because the stored value cannot be used: then the default runs. Empty: all is. */
  adjusted: ('cron' | 'timeZone')[];
  /** Newest first. */
  lastRuns: JobRunDto[];
}

export class JobPage {
  items: JobDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
