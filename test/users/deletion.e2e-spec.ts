import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { writeSetting } from '../support/settings';
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

  describe('where accounts can be restored for a week', () => {
    beforeAll(() => writeSetting(service, admin, 'users.restoreDays', 7));
    afterAll(() => writeSetting(service, admin, 'users.restoreDays', 0));

    const due = (id: number, at: string) => service.sql(`UPDATE user_departures SET removal_due_at = now() + $2::interval WHERE user_id = $1`, [id, at]);
    const runJob = () => asAdmin().post('/v1/jobs/user-removal/run').expect(200);

    it('suspends the account, keeps what it has, and makes it again what it was', async () => {
      const user = await makeUser(service);
      const session = await logIn(service, user);
      await service.as(user).post('/v1/requests').send({ type: 'kept' }).expect(201);
      await service.as(session.accessToken).delete('/v1/users/me').expect(204);
      const { body: leaving } = await asAdmin().get(`/v1/users/${user.id}`).expect(200);
      expect(leaving).toMatchObject({ status: 'suspended', email: user.email, removalDueAt: expect.stringMatching(/Z$/) });
      const days = (Date.parse(leaving.removalDueAt) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(6.9);
      expect(days).toBeLessThan(7.1);
      await service.as(session.accessToken).get('/v1/users/me').expect(401);
      await service.as(user).post('/v1/requests').send({ type: 'refused' }).expect(401);
      const { body, headers } = await asAdmin().post(`/v1/users/${user.id}/restore`).query({ reason: 'a mistake' }).expect(200);
      expect(body).toMatchObject({ status: 'active', removalDueAt: null });
      expect((await asAdmin().get(`/v1/users/${user.id}`)).headers.etag).toBe(headers.etag);
      await service.as(session.accessToken).get('/v1/users/me').expect(401);
      await service.as(user).post('/v1/requests').send({ type: 'again' }).expect(201);
      const { body: requests } = await service.as(user).get('/v1/requests').expect(200);
      expect(requests.items.map(({ type }: { type: string }) => type)).toEqual(['again', 'kept']);
      const { body: audit } = await asAdmin().get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
      expect(audit.items[0]).toMatchObject({ action: 'user.update', reason: 'a mistake', before: { status: 'suspended' }, after: { status: 'active' } });
    });

    it('refuses to restore whoever was not deleted, or is gone', async () => {
      const user = await makeUser(service);
      expect((await asAdmin().post(`/v1/users/${user.id}/restore`).expect(409)).body.code).toBe('not-being-deleted');
      await service.as(user).post(`/v1/users/${user.id}/restore`).expect(403);
      await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
      await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
      await asAdmin().post(`/v1/users/${user.id}/restore`).expect(404);
    });

    it('removes an account when its time is over, and none that was restored or set active before', async () => {
      const gone = await makeUser(service);
      const restored = await makeUser(service);
      const active = await makeUser(service);
      for (const { id } of [gone, restored, active]) await asAdmin().delete(`/v1/users/${id}`).expect(204);
      await asAdmin().post(`/v1/users/${restored.id}/restore`).expect(200);
      await asAdmin().patch(`/v1/users/${active.id}`).send({ status: 'active' }).expect(200);
      for (const { id } of [gone, restored, active]) await due(id, '-1 second');
      await runJob();
      await eventually(async () => void (await asAdmin().get(`/v1/users/${gone.id}`).expect(404)));
      for (const { id } of [restored, active]) await asAdmin().get(`/v1/users/${id}`).expect(200);
    });

    it('removes or restores, and never both', async () => {
      const users = await Promise.all(Array.from({ length: 8 }, () => makeUser(service)));
      for (const { id } of users) await asAdmin().delete(`/v1/users/${id}`).expect(204);
      for (const { id } of users) await due(id, '0');
      const [, ...answers] = await Promise.all([runJob(), ...users.map(({ id }) => service.replicas[1].as(admin).post(`/v1/users/${id}/restore`))]);
      for (const [i, { status }] of answers.entries()) {
        await eventually(
          async () =>
            void (await asAdmin()
              .get(`/v1/users/${users[i]?.id}`)
              .expect(status === 200 ? 200 : 404)),
        );
      }
      await runJob();
      for (const [i, { status }] of answers.entries())
        await asAdmin()
          .get(`/v1/users/${users[i]?.id}`)
          .expect(status === 200 ? 200 : 404);
    });
  });
});
