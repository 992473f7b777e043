import { type Service } from '../support/service';

/** Gives a user requests by plain SQL; resolves to the id of one of them. */
export async function makeMany({ sql }: Service, userId: number, count: number, status: 'succeeded' | 'pending' = 'succeeded'): Promise<string> {
  const rows = await sql<{ id: string }>(
    `WITH made AS (
       INSERT INTO requests (user_id, type, status, charged_on, finished_at)
       SELECT $1, 'many', $3::text, current_date - 2, CASE WHEN $3 = 'succeeded' THEN now() END FROM generate_series(1, $2) RETURNING id
     ) SELECT max(id::text) AS id FROM made`,
    [userId, count, status],
  );
  return rows[0].id;
}
