import { Client } from 'pg';
import { type Service } from './service';

/** Asks again and again until the answer is true; fails after ten seconds. */
export async function until(question: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !(await question());) {
    if (Date.now() > deadline) throw new Error(`in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Until so many sessions of this database wait for a lock. */
export function untilBlocked({ sql }: Service, sessions: number): Promise<void> {
  return until(async () => {
    const [row] = await sql<{ waiting: number }>(
      `SELECT count(*)::integer AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return (row?.waiting ?? 0) >= sessions;
  }, `${sessions} sessions wait for a lock`);
}

/** A transaction beside the service, rolled back if the work fails before it commits. */
export async function inTransaction<T>({ databaseUrl }: Service, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    return await work(client);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
    await client.end();
  }
}
