import { Injectable } from '@nestjs/common';
import { prepared } from '../../database/prepared-statements';
import { StatementPool } from '../../database/statement-pool';

const OVERDUE = prepared(
  'overdue',
  `
    (SELECT id FROM requests WHERE status = 'pending' AND deadline_at <= now() AND id <> ALL ($2::uuid[]) ORDER BY deadline_at LIMIT $1)
    UNION ALL
    (SELECT id FROM requests WHERE status = 'processing' AND held AND lease_expires_at <= now() AND id <> ALL ($2::uuid[]) ORDER BY lease_expires_at LIMIT $1)
    UNION ALL
    (SELECT id FROM requests WHERE status = 'processing' AND NOT held AND lease_expires_at <= now()
       AND (cancel_requested_at IS NOT NULL OR attempt >= max_attempts OR deadline_at <= now()) AND id <> ALL ($2::uuid[]) LIMIT $1)`,
);

/** Requests that time has passed by. */
@Injectable()
export class OverdueRepository {
  constructor(private readonly statements: StatementPool) {}

  /** Requests that the clock has ended and nobody noticed, some of them, but for those named. */
  async find(count: number, except: readonly string[]): Promise<string[]> {
    return (await this.statements.run<{ id: string }>(OVERDUE, [count, except])).map(({ id }) => id);
  }
}
