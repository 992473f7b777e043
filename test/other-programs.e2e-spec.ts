import { makeUser, PASSWORD_HASH } from './support/factories';
import { type Service, startService } from './support/service';

describe('another program on the same tables', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  it('inserts a request with defaults, which the service then reads', async () => {
    const user = await makeUser(service);
    const [row] = await service.sql(
      `INSERT INTO requests (user_id, type, cost, charged_on) VALUES ($1, 'imported', 2, (now() AT TIME ZONE 'UTC')::date)
       RETURNING id, status, refunded_units, payload, created_at, updated_at, attempt`,
      [user.id],
    );
    expect(row).toMatchObject({ status: 'pending', refunded_units: 0, payload: {}, attempt: 0, created_at: expect.any(Date), updated_at: expect.any(Date) });
    const { body } = await service
      .as(user)
      .get(`/v1/requests/${row.id as string}`)
      .expect(200);
    expect(body).toMatchObject({ id: row.id, userId: user.id, type: 'imported', status: 'pending', cost: 2, refundedUnits: 0, payload: {} });
    expect((await service.as(user).get('/v1/requests').expect(200)).body.items).toHaveLength(1);
  });

  it('gives its requests ids that sort among the service’s by time', async () => {
    const user = await makeUser(service);
    const submit = async () => (await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201)).body.id as string;
    const first = await submit();
    await service.sql('SELECT pg_sleep(0.002)');
    const [row] = await service.sql(`INSERT INTO requests (user_id, type, cost, charged_on) VALUES ($1, 'x', 1, current_date) RETURNING id`, [user.id]);
    await service.sql('SELECT pg_sleep(0.002)');
    const last = await submit();
    const { body } = await service.as(user).get('/v1/requests').expect(200);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([last, row.id, first]);
  });

  it.each([
    ['a negative counter', `UPDATE users SET api_quota_used_today = -1 WHERE id = $1`],
    ['a negative quota', `UPDATE users SET api_quota_daily = -1 WHERE id = $1`],
    ['an unknown tier', `UPDATE users SET subscription_tier = 'none' WHERE id = $1`],
    ['an unknown status', `UPDATE users SET status = 'banned' WHERE id = $1`],
    ['an unknown role', `UPDATE users SET role = 'root' WHERE id = $1`],
    ['no counter', `UPDATE users SET api_quota_used_today = NULL WHERE id = $1`],
    ['a cost of nothing', `INSERT INTO requests (user_id, type, cost, charged_on) VALUES ($1, 'x', 0, current_date)`],
    ['an unknown request status', `INSERT INTO requests (user_id, type, cost, charged_on, status) VALUES ($1, 'x', 1, current_date, 'lost')`],
    ['more refunded than cost', `INSERT INTO requests (user_id, type, cost, charged_on, refunded_units) VALUES ($1, 'x', 1, current_date, 2)`],
    ['a request of nobody', `INSERT INTO requests (user_id, type, cost, charged_on) VALUES ($1 + 1000000, 'x', 1, current_date)`],
    ['an unknown scope', `UPDATE api_keys SET scopes = '{everything}' WHERE user_id = $1`],
  ])('cannot store %s', async (_, statement) => {
    const user = await makeUser(service);
    await expect(service.sql(statement, [user.id])).rejects.toThrow(/constraint|null value/);
  });

  it('cannot make a second account of one address in another case', async () => {
    await service.sql(`INSERT INTO users (email, password_hash) VALUES ('Twin@example.com', $1)`, [PASSWORD_HASH]);
    await expect(service.sql(`INSERT INTO users (email, password_hash) VALUES ('tWIN@example.com', $1)`, [PASSWORD_HASH])).rejects.toThrow(
      'users_email_lower_key',
    );
  });

  it('starts a user’s day at UTC’s date whatever the zone of its connection', async () => {
    const [row] = await service.sql(
      `WITH zone AS (SELECT set_config('TimeZone', 'Pacific/Kiritimati', true)), made AS (
         INSERT INTO users (email, password_hash) SELECT 'far@example.com', '' FROM zone RETURNING quota_reset_date)
       SELECT quota_reset_date = (now() AT TIME ZONE 'UTC')::date AS utc FROM made`,
    );
    expect(row).toEqual({ utc: true });
  });
});
