import { SettingsService } from '../../src/settings/settings.service';
import { makeUser, type TestUser } from '../support/factories';
import { type Service } from '../support/service';

/** What an answer holds; the assertions state what it must be. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Body = any;

/** A type of a test's own, so that tests do not claim each other's requests. */
let types = 0;
export const newType = (): string => `type-${++types}`;

export function makeWorker(service: Service): Promise<TestUser> {
  return makeUser(service, { scopes: ['worker'] });
}

export async function submit(service: Service, user: TestUser, type: string, body: object = {}): Promise<Body> {
  return (
    await service
      .as(user)
      .post('/v1/requests')
      .send({ type, ...body })
      .expect(201)
  ).body;
}

export async function claim(service: Pick<Service, 'as'>, worker: TestUser, types: string | string[], body: object = {}): Promise<Body[]> {
  return (
    await service
      .as(worker)
      .post('/v1/requests/claim')
      .send({ types: [types].flat(), ...body })
      .expect(200)
  ).body.items;
}

/** The counter, the ledger's sum for its day, and the archive's days. */
export async function books(service: Service, user: TestUser): Promise<{ used: number; refunded: number; ledger: number; days: string }> {
  const [row] = await service.sql<{ used: number; refunded: number; ledger: number; days: string }>(
    `SELECT u.api_quota_used_today AS used, u.api_quota_refunded_today AS refunded,
       (SELECT coalesce(sum(cost - refunded_units), 0)::int FROM requests r WHERE r.user_id = u.id AND r.charged_on = u.quota_reset_date) AS ledger,
       (SELECT coalesce(string_agg(date || ' ' || used || '/' || refunded, ', ' ORDER BY date), '') FROM quota_usage q WHERE q.user_id = u.id) AS days
     FROM users u WHERE id = $1`,
    [user.id],
  );
  return row;
}

/** Lets the lease run out without waiting for it. */
export async function loseLease(service: Service, id: string): Promise<void> {
  await service.sql(`UPDATE requests SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
}

/** Writes a setting, null for its default, and waits until every replica reads it so. */
export async function putSetting(service: Service, key: string, value: unknown): Promise<void> {
  await service.sql(`DELETE FROM system_configurations WHERE key = $1`, [key]);
  if (value !== null) await service.sql(`INSERT INTO system_configurations (key, value) VALUES ($1, $2::jsonb)`, [key, JSON.stringify(value)]);
  for (const replica of service.replicas) {
    // A read that was under way may be of before the change; the second one is not.
    await replica.app.get(SettingsService).refresh();
    await replica.app.get(SettingsService).refresh();
  }
}
