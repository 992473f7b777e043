import { Client } from 'pg';
import { eventually } from './eventually';
import { type Service } from './service';

/** Until so many sessions of this database wait for a lock. */
export async function untilBlocked({ sql }: Service, sessions: number): Promise<void> {
  await eventually(async () => {
    const [row] = await sql<{ waiting: number }>(
      `SELECT count(*)::integer AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return (row?.waiting ?? 0) >= sessions;
  });
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
