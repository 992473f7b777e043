import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { makeMany } from './many-requests';

promisesByTheClock();

/** More than goes within the call. */
const MANY = 60_000;

describe('the deletion of a user', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const rowsOf = async (id: number) =>
    (
      await service.sql<{ n: number }>(
        `SELECT (SELECT count(*)::int FROM requests WHERE user_id = $1) + (SELECT count(*)::int FROM users WHERE id = $1) AS n`,
        [id],
      )
    )[0]?.n;
  const goes = (id: number) => eventually(async () => expect(await rowsOf(id)).toBe(0), 100_000);

  it('answers at once and is gone from every answer, though the rows of 60,000 requests go afterwards', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    const last = await makeMany(service, user.id, MANY);
    const { body: pending } = await service.as(user).post('/v1/requests').send({ type: 'left-behind' }).expect(201);
    const startedAt = performance.now();
    await service.as(session.accessToken).delete('/v1/users/me').expect(204);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    // If nothing were left, what follows would prove nothing.
    expect(await rowsOf(user.id)).toBeGreaterThan(1);
    const { id } = user;
    for (const path of ['', '/quota', '/usage', '/api-keys', '/configurations']) await asAdmin().get(`/v1/users/${id}${path}`).expect(404);
    await asAdmin().patch(`/v1/users/${id}`).send({ tier: 'pro' }).expect(404);
    await asAdmin().delete(`/v1/users/${id}`).expect(404);
    await asAdmin().put(`/v1/users/${id}/password`).send({ newPassword: PASSWORD }).expect(404);
    await asAdmin().post(`/v1/users/${id}/api-keys`).send({ name: 'x' }).expect(404);
    await asAdmin().post(`/v1/users/${id}/quota/reset`).send({ reason: 'x' }).expect(404);
    await asAdmin().post('/v1/requests').send({ type: 'x', userId: id }).expect(404);
    for (const request of [pending.id as string, last]) {
      await asAdmin().get(`/v1/requests/${request}`).expect(404);
      await asAdmin().post(`/v1/requests/${request}/cancel`).expect(404);
    }
    expect((await asAdmin().get(`/v1/requests?userId=${id}`).expect(200)).body.items).toEqual([]);
    const { body: everybodys } = await asAdmin().get('/v1/requests?limit=100').expect(200);
    expect((everybodys.items as { userId: number }[]).filter(({ userId }) => userId === id)).toEqual([]);
    const { body: users } = await asAdmin().get('/v1/users?limit=100').expect(200);
    expect((users.items as { id: number }[]).map((one) => one.id)).not.toContain(id);
    const { body: claimed } = await asAdmin()
      .post('/v1/requests/claim')
      .send({ types: ['left-behind'] })
      .expect(200);
    expect(claimed.items).toEqual([]);
    await goes(user.id);
  }, 150_000);

  it('ends its credentials on every replica within a second, and frees its address at once', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    for (const { as } of service.replicas) await as(user).get('/v1/users/me').expect(200);
    await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
    await service.as().post('/v1/auth/register').send({ email: user.email.toUpperCase(), password: PASSWORD }).expect(201);
    for (const { as } of service.replicas) {
      await eventually(async () => {
        await as(user).get('/v1/users/me').expect(401);
        await as(session.accessToken).get('/v1/users/me').expect(401);
      }, 1_000);
      await as().post('/v1/auth/refresh').send({ refreshToken: session.refreshToken }).expect(401);
    }
  });

  it('happens once though 50 ask at once on two replicas: one is answered 204 and writes the audit event', async () => {
    const user = await makeUser(service);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => service.replicas[i % 2].as(admin).delete(`/v1/users/${user.id}`)));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(204), count(404)]).toEqual([1, 49]);
    expect(await service.sql(`SELECT 1 AS n FROM audit_events WHERE action = 'user.delete' AND target_id = $1`, [String(user.id)])).toHaveLength(1);
  });

  it('takes its requests from the workers who carry them out', async () => {
    const user = await makeUser(service);
    await service.as(user).post('/v1/requests').send({ type: 'carried-out' }).expect(201);
    const { body } = await asAdmin()
      .post('/v1/requests/claim')
      .send({ types: ['carried-out'] })
      .expect(200);
    await makeMany(service, user.id, MANY);
    await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
    await eventually(
      () =>
        asAdmin()
          .post(`/v1/requests/${body.items[0].id as string}/heartbeat`)
          .send({ attempt: 1 })
          .expect(404),
      5_000,
    );
    await goes(user.id);
  }, 150_000);

  it('keeps no worker from the requests of others, however many wait of it', async () => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    await makeMany(service, user.id, MANY, 'pending');
    const { body } = await service.as(other).post('/v1/requests').send({ type: 'many' }).expect(201);
    await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
    expect(await rowsOf(user.id)).toBeGreaterThan(1);
    const { body: claimed } = await asAdmin()
      .post('/v1/requests/claim')
      .send({ types: ['many'], limit: 5 })
      .expect(200);
    expect((claimed.items as { id: string }[]).map(({ id }) => id)).toEqual([body.id]);
    await goes(user.id);
  }, 150_000);

  it('is gone on with by any other process, by the clock, and shown among the jobs', async () => {
    const user = await makeUser(service);
    await makeMany(service, user.id, 5_000);
    // As a process leaves it that dies right after its answer.
    await service.sql(
      `WITH marked AS (UPDATE users SET status = 'deleted', email = 'deleted:' || id WHERE id = $1 RETURNING id) INSERT INTO user_removals (user_id) SELECT id FROM marked`,
      [user.id],
    );
    const scheduled = await startReplica(service.databaseUrl, { SCHEDULER_ENABLED: true });
    try {
      await eventually(async () => expect(await rowsOf(user.id)).toBe(0), 100_000);
      const { body } = await scheduled.as(admin).get('/v1/jobs').expect(200);
      const job = (body.items as { name: string; lastRuns: object[] }[]).find(({ name }) => name === 'user-removal');
      expect(job?.lastRuns[0]).toMatchObject({ status: expect.stringMatching('running|succeeded') });
    } finally {
      await scheduled.close();
    }
  }, 150_000);

  it('leaves the books in order while it goes on, closes no day of a deleted user, and lets go of the plan', async () => {
    const { body: tier } = await asAdmin().post('/v1/tiers').send({ name: 'fleeting', dailyQuota: 3 }).expect(201);
    const user = await makeUser(service, { tier: 'fleeting' });
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    await service.sql(`UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1`, [user.id]);
    await service.sql(`UPDATE requests SET charged_on = charged_on - 1 WHERE user_id = $1`, [user.id]);
    await makeMany(service, user.id, MANY);
    await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
    expect(await rowsOf(user.id)).toBeGreaterThan(1);
    expect((await asAdmin().post('/v1/jobs/quota-reset/run').expect(200)).body).toEqual({ closedOut: 0 });
    await asAdmin()
      .delete(`/v1/tiers/${tier.id as number}`)
      .expect(204);
    await goes(user.id);
  }, 150_000);

  it('by plain SQL still takes everything with it', async () => {
    const user = await makeUser(service);
    await service.as(user).post('/v1/requests').set('idempotency-key', 'k').send({ type: 'x' }).expect(201);
    await service.sql('DELETE FROM users WHERE id = $1', [user.id]);
    expect(await rowsOf(user.id)).toBe(0);
  });
});
