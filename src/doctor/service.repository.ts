import { type DataSource } from 'typeorm';
import { ownCost, ownRefund } from '../ledger/forms.sql';

export interface JobState {
  job: string;
  /** The last run that ended. */
  status: string;
  error: string | null;
  /** Hours since the job last ended well; null: it never did. */
  succeededHoursAgo: number | null;
}

export interface Backlog {
  /** Counted up to 10,001. */
  count: number;
  /** Seconds that the oldest is late. */
  seconds: number;
}

const COUNTED = 10_001;
const SAMPLED_USERS = 200;

/** Questions about the work of the service. Each is bounded, however large the tables are. */
export class ServiceRepository {
  constructor(private readonly dataSource: DataSource) {}

  jobs(): Promise<JobState[]> {
    return this.dataSource.query(
      `WITH RECURSIVE names AS (
         SELECT min(job) AS job FROM job_runs
         UNION ALL
         SELECT (SELECT min(r.job) FROM job_runs r WHERE r.job > n.job) FROM names n WHERE n.job IS NOT NULL
       )
       SELECT n.job, l.status, l.error, (extract(epoch FROM now() - s.finished_at) / 3600)::float8 AS "succeededHoursAgo"
       FROM names n
       CROSS JOIN LATERAL (SELECT status, error FROM job_runs r WHERE r.job = n.job AND r.status <> 'running' ORDER BY started_at DESC, id DESC LIMIT 1) l
       LEFT JOIN LATERAL (SELECT finished_at FROM job_runs r WHERE r.job = n.job AND r.status = 'succeeded' ORDER BY started_at DESC LIMIT 1) s ON true
       WHERE n.job IS NOT NULL`,
    );
  }

  /** Events that are committed and wait to be handed on. */
  events(): Promise<Backlog> {
    return this.backlog(`SELECT created_at AS since FROM events WHERE position IS NULL`);
  }

  webhooks(): Promise<Backlog> {
    return this.backlog(`SELECT due_at AS since FROM webhook_deliveries WHERE status = 'waiting' AND due_at < now()`);
  }

  mails(): Promise<Backlog> {
    return this.backlog(`SELECT due_at AS since FROM mails WHERE state = 'waiting' AND due_at < now()`);
  }

  /** Settings that are stored and that users do not see. */
  hiddenSettings(): Promise<{ key: string }[]> {
    return this.dataSource.query(`SELECT key FROM system_configurations WHERE visibility IN ('internal', 'secret') ORDER BY key`);
  }

  /** Users of a sample whose counter is not what their charges of the running day come to. */
  async booksOfSome(): Promise<{ users: number; wrong: number[] }> {
    const [found] = await this.dataSource.query<[{ users: number; wrong: number[] | null }]>(
      `WITH sample AS (
         SELECT id, quota_reset_date, quota_reset_fold, api_quota_used_today AS used FROM users
         WHERE api_quota_used_today > 0 AND status <> 'deleted' LIMIT $1
       ), compared AS (
         SELECT s.id, s.used = coalesce(sum(${ownCost('r')} - ${ownRefund('r')}), 0) AS agrees
         FROM sample s LEFT JOIN requests r ON r.user_id = s.id AND r.charged_on = s.quota_reset_date AND r.charged_fold = s.quota_reset_fold
         GROUP BY s.id, s.used
       ) SELECT count(*)::integer AS users, array_agg(id) FILTER (WHERE NOT agrees) AS wrong FROM compared`,
      [SAMPLED_USERS],
    );
    return { users: found.users, wrong: found.wrong ?? [] };
  }

  private async backlog(rows: string): Promise<Backlog> {
    const [found] = await this.dataSource.query<[Backlog]>(
      `SELECT count(*)::integer AS count, coalesce(extract(epoch FROM now() - min(since)), 0)::float8 AS seconds FROM (${rows} LIMIT ${COUNTED}) late`,
    );
    return found;
  }
}
