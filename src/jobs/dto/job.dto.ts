import { type JobTrigger } from '../entities/job-run.entity';

export class JobProgressDto {
  /** Items that it has been through and left nothing to do of; users, for the quota reset. */
  done: number;
  /** Items that it goes through. */
  total: number;
  /** When it last reported: about once a second while it runs. */
  at: Date;
}

export class JobRunDto {
  id: string;
  /** When it was due; null for a run that was asked for. */
  slot: Date | null;
  trigger: JobTrigger;
  status: 'running' | 'succeeded' | 'failed';
  /** Rows that it changed. */
  affected: number;
  /** How far it is, or was when it ended; null: it does not report. */
  progress: JobProgressDto | null;
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

export class JobResultDto {
  /** Rows that the run changed. */
  affected: number;
}

export class JobPage {
  items: JobDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
