import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { filled, routesOf } from '../support/routes';
import { type Service, startService } from '../support/service';

const USERS = 30_000;
const DAY = 86_400_000;

describe('what one user costs', () => {
  let service: Service;
  let admin: TestUser;
  let target: TestUser;

  beforeAll(async () => {
    service = await startService();
    await service.sql(
      `INSERT INTO users (email, password_hash, quota_reset_zone, api_quota_used_today, time_zone)
       SELECT 'many-' || n || '@example.com', '', 'Etc/UTC', 1, CASE WHEN n % 3 = 0 THEN 'Europe/Berlin' END FROM generate_series(1, ${USERS}) n`,
    );
    await service.sql('ANALYZE users');
    admin = await makeAdmin(service);
    target = await makeUser(service, { tier: 'pro' });
  });

  it('is not the number of users: no read of one user and no administrative route reads them all', async () => {
    const { id } = target;
    const as = service.as(admin);
    const calls: [method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string, body?: object][] = [
      ...routesOf(service.app)
        // A stream ends with its caller.
        .filter(({ method, path }) => method === 'get' && path !== '/v1/requests/events')
        .map(({ path }): [method: 'get', path: string] => ['get', filled(path, { userId: String(id) })]),
      ...['tier=pro', 'tier=enterprise', 'tier=nothing', 'status=suspended', 'email=MANY-20000@example.com', 'quotaUsedAtLeast=0.9'].map(
        (query): [method: 'get', path: string] => ['get', `/v1/users?limit=100&${query}`],
      ),
      ['put', `/v1/users/${id}/quota/override`, { dailyQuota: 7, expiresAt: new Date(Date.now() + DAY).toJSON(), reason: 'scale' }],
      ['delete', `/v1/users/${id}/quota/override`],
      ['post', `/v1/users/${id}/quota/reset`, { reason: 'scale' }],
      ['patch', `/v1/users/${id}?dryRun=true`, { tier: 'free' }],
      ['patch', `/v1/users/${id}`, { tier: 'free', timeZone: 'Asia/Tokyo' }],
      ['patch', `/v1/users/${id}`, { role: 'admin' }],
      ['patch', `/v1/users/${id}`, { role: 'user', status: 'suspended' }],
      ['post', '/v1/users', { email: 'scale@example.com', password: 'correct horse battery' }],
      ['post', '/v1/tiers', { name: 'scale', dailyQuota: 5 }],
      ['patch', '/v1/tiers/scale', { dailyQuota: 6 }],
      ['delete', '/v1/tiers/scale'],
      ['delete', `/v1/users/${id}`],
    ];
    await service.sql('SELECT pg_stat_reset()');
    for (const [method, path, body] of calls) {
      const { status } = await as[method](path).send(body);
      expect([method, path, status < 500]).toEqual([method, path, true]);
    }
    const quota = await service.as(admin).get('/v1/users/1/quota').expect(200);
    expect(quota.body).toMatchObject({ used: 1, adjusted: [] });
    // Sessions hand in their counts when they end.
    await Promise.all(service.replicas.map((replica) => replica.close()));
    const sessions = `SELECT count(*)::integer AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'quotidian%'`;
    await eventually(async () => (await service.sql<{ count: number }>(sessions))[0].count === 0);
    const [read] = await service.sql<{ rows: number; scanned: number }>(
      `SELECT (t.seq_tup_read + sum(i.idx_tup_read))::integer AS rows, t.seq_tup_read::integer AS scanned
       FROM pg_stat_user_tables t JOIN pg_stat_user_indexes i USING (relid) WHERE t.relname = 'users' GROUP BY t.seq_tup_read`,
    );
    expect(read.rows).toBeGreaterThan(0);
    expect(read.rows).toBeLessThan(USERS / 2);
  });
});
