import { Client } from 'pg';
import { fingerprintOf } from '../../src/idempotency/idempotency-key';
import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('a request delivered twice at once', () => {
  let service: Service;
  let other: Client;
  beforeAll(async () => {
    service = await startService();
    other = new Client({ connectionString: service.databaseUrl });
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await service.close();
  });

  const waiters = () =>
    service.sql(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'quotidian admission'`);

  it('gets the first answer, though that took the last unit while this one waited for it', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    const body = { type: 'report', payload: {} };
    const id = '01980000-0000-7000-8000-000000000001';
    // What another replica does with the first delivery, stopped before its commit.
    await other.query('BEGIN');
    await other.query(`UPDATE users SET api_quota_used_today = 1, api_quota_requests_today = 1 WHERE id = $1`, [user.id]);
    await other.query(
      `INSERT INTO requests (id, user_id, type, cost, charged_on, limit_at_charge, used_at_charge) SELECT $2, id, 'report', 1, quota_reset_date, 1, 1 FROM users WHERE id = $1`,
      [user.id, id],
    );
    await other.query(`INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, request_id) VALUES ($1, 'requests', 'twice', $2, $3)`, [
      user.id,
      fingerprintOf(body),
      id,
    ]);
    const second = service.as(user).post('/v1/requests').set('idempotency-key', 'twice').send(body);
    const answer = second.then((response) => response);
    for (const deadline = Date.now() + 10_000; (await waiters()).length === 0;) expect(Date.now()).toBeLessThan(deadline);
    await other.query('COMMIT');
    expect(await answer).toMatchObject({ status: 201, body: { id }, headers: { 'idempotency-replayed': 'true' } });
  });
});
