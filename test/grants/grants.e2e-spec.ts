import { BooksRepository } from '../../src/ledger/books.repository';
import { QuotaFormsService } from '../../src/ledger/quota-forms.service';
import { RetentionRepository } from '../../src/ledger/retention.repository';
import { type Body, claim, makeWorker, newType, submit } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const HOUR_MS = 3_600_000;

describe('grants', () => {
  let service: Service;
  let admin: TestUser;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const path = ({ id }: TestUser) => `/v1/users/${id}/quota/grants`;
  const grant = async (user: TestUser, body: object): Promise<Body> =>
    (
      await service
        .as(admin)
        .post(path(user))
        .send({ reason: 'a good customer', ...body })
        .expect(201)
    ).body;
  const quotaOf = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
  const charge = (user: TestUser, cost: number, replica = 0) =>
    service.replicas[replica].as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
  const inOneHour = () => new Date(Date.now() + HOUR_MS).toISOString();
  const books = () => service.app.get(BooksRepository).compare();

  it('are made by an administrator, read by their user, revoked, and audited with the reason', async () => {
    const user = await makeUser(service);
    const expiresAt = inOneHour();
    const answer = await service.as(admin).post(path(user)).send({ units: 5, expiresAt, priority: 7, reason: 'sorry' }).expect(201);
    const made = answer.body;
    expect(made).toMatchObject({ units: 5, used: 0, remaining: 5, priority: 7, expiresAt, reason: 'sorry', author: admin.id, revokedAt: null });
    expect(answer.headers.location).toBe(`${path(user)}/${made.id}`);
    const { body: list } = await service.as(user).get('/v1/users/me/quota/grants').expect(200);
    expect(list).toEqual({ items: [made], nextCursor: null });
    await service.as(user).get(`/v1/users/me/quota/grants/${made.id}`).expect(200, made);
    expect(await quotaOf(user)).toMatchObject({
      limit: 100,
      used: 0,
      remaining: 105,
      grants: { remaining: 5, items: [{ id: made.id, remaining: 5, expiresAt }] },
    });

    for (let i = 0; i < 2; i++)
      await service
        .as(admin)
        .delete(`${path(user)}/${made.id}?reason=a%20mistake`)
        .expect(204);
    expect((await service.as(user).get(`/v1/users/me/quota/grants/${made.id}`).expect(200)).body).toMatchObject({
      remaining: 0,
      revokedAt: expect.any(String),
    });
    expect(await quotaOf(user)).toMatchObject({ remaining: 100 });
    const { body: audit } = await service.as(admin).get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
    expect(audit.items.map(({ action, reason }: Body) => [action, reason])).toEqual([
      ['grant.revoke', 'a mistake'],
      ['grant.create', 'sorry'],
    ]);
  });

  it('are pages of a list, newest first', async () => {
    const user = await makeUser(service);
    const ids: number[] = [];
    for (let units = 1; units <= 3; units++) ids.unshift((await grant(user, { units })).id);
    const { body: first } = await service.as(user).get('/v1/users/me/quota/grants?limit=2').expect(200);
    const { body: second } = await service.as(user).get(`/v1/users/me/quota/grants?limit=2&cursor=${first.nextCursor}`).expect(200);
    expect([...first.items, ...second.items].map(({ id }: Body) => id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
  });

  it('are made once under an Idempotency-Key', async () => {
    const user = await makeUser(service);
    const send = () => service.as(admin).post(path(user)).set('idempotency-key', 'bonus-1').send({ units: 5, reason: 'once' }).expect(201);
    const [first, second] = [(await send()).body, await send()] as const;
    expect(second.body).toEqual(first);
    expect(second.headers).toMatchObject({ 'idempotency-replayed': 'true', location: `${path(user)}/${first.id}` });
    expect(await quotaOf(user)).toMatchObject({ grants: { remaining: 5 } });
  });

  it.each([
    [{ units: -1 }, '#/units'],
    [{ units: 0 }, '#/units'],
    [{ units: 1.5 }, '#/units'],
    [{ units: '5' }, '#/units'],
    [{ units: 2_147_483_648 }, '#/units'],
    [{}, '#/units'],
    [{ units: 1, expiresAt: '2020-01-01T00:00:00Z' }, '#/expiresAt'],
    [{ units: 1, expiresAt: '2030-02-30T00:00:00Z' }, '#/expiresAt'],
    [{ units: 1, expiresAt: 'tomorrow' }, '#/expiresAt'],
    [{ units: 1, priority: -1 }, '#/priority'],
    [{ units: 1, priority: 1_001 }, '#/priority'],
    [{ units: 1, reason: ' ' }, '#/reason'],
    [{ units: 1, reason: null }, '#/reason'],
  ])('of nonsense are refused, and the field is named: %j', async (body, pointer) => {
    const user = await makeUser(service);
    const { body: problem } = await service
      .as(admin)
      .post(path(user))
      .send({ reason: 'test', ...body })
      .expect(400);
    expect(problem.errors.map((error: Body) => error.pointer)).toContain(pointer);
  });

  it('for nobody, and of others, are not found; only administrators make and revoke them', async () => {
    const [user, other] = [await makeUser(service), await makeUser(service)] as const;
    const { id } = await grant(other, { units: 1 });
    await service.as(admin).post('/v1/users/2147483647/quota/grants').send({ units: 1, reason: 'test' }).expect(404);
    await service.as(admin).get('/v1/users/2147483647/quota/grants').expect(404);
    for (const there of [`${path(user)}/${id}`, `${path(user)}/2147483647`, `${path(other)}/x`]) {
      await service.as(admin).get(there).expect(404);
      await service.as(admin).delete(there).expect(404);
    }
    await service.as(user).get(path(other)).expect(404);
    await service.as(user).post(path(user)).send({ units: 1, reason: 'I deserve it' }).expect(403);
    await service
      .as(other)
      .delete(`${path(other)}/${id}`)
      .expect(403);
  });

  it('are bounded in number for each user, those that ended not counted', async () => {
    const user = await makeUser(service);
    const made = await grant(user, { units: 1 });
    await service.sql(`INSERT INTO quota_grants (user_id, units, reason) SELECT $1, 1, 'test' FROM generate_series(2, 100)`, [user.id]);
    const { body } = await service.as(admin).post(path(user)).send({ units: 1, reason: 'one too many' }).expect(409);
    expect(body.code).toBe('too-many-grants');
    await service
      .as(admin)
      .delete(`${path(user)}/${made.id}`)
      .expect(204);
    await grant(user, { units: 1 });
  });

  it('are drawn when the day’s own units are used up, the smallest priority first, then what expires first', async () => {
    const user = await makeUser(service, { dailyQuota: 3 });
    const never = await grant(user, { units: 2 });
    const soon = await grant(user, { units: 2, expiresAt: inOneHour() });
    const first = await grant(user, { units: 1, priority: 1 });
    const { body, headers } = await charge(user, 7).expect(201);
    expect(body.draws).toEqual([
      { source: 'grant', grantId: first.id, units: 1 },
      { source: 'grant', grantId: soon.id, units: 2 },
      { source: 'grant', grantId: never.id, units: 1 },
    ]);
    expect(headers['x-quota-draws']).toBe(`grant;id=${first.id};units=1, grant;id=${soon.id};units=2, grant;id=${never.id};units=1`);
    expect(headers.ratelimit).toMatch(/^"daily";r=1;/);
    expect((await service.as(user).get(`/v1/requests/${body.id}`).expect(200)).body.draws).toEqual(body.draws);
    const { body: list } = await service.as(user).get('/v1/requests').expect(200);
    expect(list.items[0].draws).toEqual(body.draws);
    expect(await quotaOf(user)).toMatchObject({ limit: 3, used: 3, remaining: 1, grants: { remaining: 1, items: [{ id: never.id, remaining: 1 }] } });
    const { body: refusal } = await charge(user, 2).expect(429);
    expect(refusal).toMatchObject({ code: 'quota-exceeded', limit: 3, used: 3, requested: 2, remaining: 1 });
    await charge(user, 1).expect(201);
    await charge(user, 1).expect(429);
  });

  it('are not drawn by charges that the day’s own units pay, and plain answers have no member of them', async () => {
    const user = await makeUser(service, { dailyQuota: 3 });
    await grant(user, { units: 2 });
    const { body, headers } = await charge(user, 3).expect(201);
    expect(body).not.toHaveProperty('draws');
    expect(headers).not.toHaveProperty('x-quota-draws');
    expect(await quotaOf(user)).toMatchObject({ used: 3, remaining: 2 });
    expect(await quotaOf(await makeUser(service))).not.toHaveProperty('grants');
  });

  it('count for a user who had nothing left a moment ago, on every replica, from the answer that made them on', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    await charge(user, 1).expect(201);
    for (const replica of [0, 1, 0, 1]) await charge(user, 1, replica).expect(429);
    const { id } = await grant(user, { units: 2 });
    await charge(user, 1, 1).expect(201);
    await charge(user, 1, 0).expect(201);
    for (const replica of [0, 1, 0, 1]) await charge(user, 1, replica).expect(429);
    await service
      .as(admin)
      .delete(`${path(user)}/${id}`)
      .expect(204);
    await grant(user, { units: 1 });
    await charge(user, 1, 0).expect(201);
  });

  it('that expired or were revoked pay for nothing, on every replica', async () => {
    const user = await makeUser(service, { dailyQuota: 0 });
    const [revoked, expired] = [await grant(user, { units: 5 }), await grant(user, { units: 5, expiresAt: inOneHour() })] as const;
    await charge(user, 1, 0).expect(201);
    await charge(user, 1, 1).expect(201);
    await service
      .as(admin)
      .delete(`${path(user)}/${revoked.id}`)
      .expect(204);
    await service.sql(`UPDATE quota_grants SET expires_at = now() WHERE id = $1`, [expired.id]);
    for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
    expect(await quotaOf(user)).toMatchObject({ remaining: 0 });
  });

  it('pay for batches, gateway checks, held calls and keyed submits, and a retry is answered the same', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    const { id } = await grant(user, { units: 20 });
    const draws = (units: number) => [{ source: 'grant', grantId: id, units }];
    const { body: batch } = await service
      .as(user)
      .post('/v1/requests/batch')
      .send({ items: [1, 2, 3].map(() => ({ type: 'search' })) });
    expect(batch.items.map(({ status, request }: Body) => [status, request.draws])).toEqual([
      [201, undefined],
      [201, draws(1)],
      [201, draws(1)],
    ]);
    const check = await service.as(user).get('/v1/authorize').set('x-quota-cost', '2').expect(204);
    expect(check.headers['x-quota-draws']).toBe(`grant;id=${id};units=2`);
    await service.as(user).get('/v1/authorize').set('x-quota-cost', '3').set('x-quota-hold', '60').expect(204);
    const keyed = () => service.as(admin).post('/v1/requests').set('idempotency-key', 'k').send({ type: 'search', userId: user.id, cost: 4 });
    const [first, again] = [await keyed().expect(201), await keyed().expect(201)] as const;
    expect(first.body.draws).toEqual(draws(4));
    expect(again.body).toEqual(first.body);
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true', ratelimit: expect.stringMatching(/^"daily";r=9;/) });
    expect(await quotaOf(user)).toMatchObject({ used: 1, remaining: 9 });
  });

  it('get back what failed, was canceled or settled for less, before the day does; also when they have ended', async () => {
    const user = await makeUser(service, { dailyQuota: 2 });
    const type = newType();
    const revoked = await grant(user, { units: 3, priority: 1 });
    const live = await grant(user, { units: 3 });
    const { body: request } = await service.as(admin).post('/v1/requests').send({ type, userId: user.id, cost: 7 }).expect(201);
    await service
      .as(admin)
      .delete(`${path(user)}/${revoked.id}`)
      .expect(204);
    const [{ attempt }] = await claim(service, worker, type);
    // Seven units: two of the day, three of the one grant, two of the other. Four go back.
    const { body: done } = await service.as(worker).post(`/v1/requests/${request.id}/complete`).send({ attempt, units: 3 }).expect(200);
    expect(done).toMatchObject({ refundedUnits: 4, draws: request.draws });
    const { body: ended } = await service.as(user).get(`/v1/users/me/quota/grants/${revoked.id}`).expect(200);
    expect(ended).toMatchObject({ used: 1, remaining: 0 });
    expect(await quotaOf(user)).toMatchObject({ used: 2, remaining: 3, grants: { items: [{ id: live.id, remaining: 3 }] } });

    const { id } = await submit(service, user, type);
    await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    expect(await quotaOf(user)).toMatchObject({ used: 2, remaining: 3 });
  });

  it('get everything back by a reset of the quota', async () => {
    const user = await makeUser(service, { dailyQuota: 2 });
    await grant(user, { units: 3 });
    await charge(user, 4).expect(201);
    await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
    expect(await quotaOf(user)).toMatchObject({ used: 0, remaining: 5, grants: { remaining: 3 } });
  });

  it('keep their books over a midnight, close-out, retention, and the removal of their user', async () => {
    const user = await makeUser(service, { dailyQuota: 2 });
    const { id } = await grant(user, { units: 10 });
    const { body: request } = await charge(user, 5).expect(201);
    await service.sql(`UPDATE requests SET charged_on = charged_on - 1, status = 'canceled' WHERE user_id = $1`, [user.id]);
    await service.sql(`UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1`, [user.id]);
    // The charge that leaves the day behind has the new day's own units first.
    expect((await charge(user, 3).expect(201)).body.draws).toEqual([{ source: 'grant', grantId: id, units: 1 }]);
    expect(await quotaOf(user)).toMatchObject({ used: 2, remaining: 6 });
    const { body: usage } = await service.as(user).get('/v1/users/me/usage').expect(200);
    expect(usage.items.slice(-2)).toMatchObject([{ used: 2 }, { used: 2 }]);
    expect((await books()).differences).toEqual([]);

    const after = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    await service.app.get(RetentionRepository).remove(1_000, null, after);
    expect(await service.sql('SELECT FROM requests WHERE id = $1', [request.id])).toEqual([]);
    expect(await service.sql('SELECT used, removed_used FROM quota_grants WHERE id = $1', [id])).toEqual([{ used: 4, removed_used: 3 }]);
    expect((await books()).differences).toEqual([]);

    const { body: exported } = await service.as(admin).get(`/v1/users/${user.id}/export`).expect(200);
    expect(exported.grants).toMatchObject([{ id, units: 10, used: 4, author: null }]);
    expect(exported.requests[0].draws).toEqual([{ source: 'grant', grantId: id, units: 1 }]);
    await service.as(admin).delete(`/v1/users/${user.id}`).expect(204);
    expect(await service.sql('SELECT FROM quota_grants WHERE user_id = $1', [user.id])).toEqual([]);
    expect(await service.sql('SELECT FROM request_draws WHERE grant_id = $1', [id])).toEqual([]);
    expect((await books()).differences).toEqual([]);
  });

  it('leave no mark on their user once all have ended, and housekeeping clears it while others are made', async () => {
    const [over, live] = [await makeUser(service, { dailyQuota: 1 }), await makeUser(service, { dailyQuota: 1 })] as const;
    const { id } = await grant(over, { units: 1 });
    await grant(live, { units: 1 });
    await service
      .as(admin)
      .delete(`${path(over)}/${id}`)
      .expect(204);
    const racer = await makeUser(service, { dailyQuota: 0 });
    await service.sql('UPDATE users SET quota_forms = true WHERE id = $1', [racer.id]);
    const forms = service.app.get(QuotaFormsService);
    await Promise.all([forms.removeExpired(AbortSignal.timeout(60_000)), grant(racer, { units: 1 })]);
    const marks = await service.sql('SELECT quota_forms AS mark FROM users WHERE id = ANY ($1) ORDER BY id', [[over.id, live.id, racer.id]]);
    expect(marks.map(({ mark }) => mark)).toEqual([false, true, true]);
    await charge(over, 1).expect(201);
    await charge(over, 1).expect(429);
    await charge(racer, 1).expect(201);
  });

  it('show in the books when a row of theirs was changed', async () => {
    const user = await makeUser(service, { dailyQuota: 0 });
    const { id } = await grant(user, { units: 10 });
    await charge(user, 5).expect(201);
    await service.sql('UPDATE quota_grants SET used = 4 WHERE id = $1', [id]);
    await service.sql('UPDATE users SET quota_forms = false WHERE id = $1', [user.id]);
    expect((await books()).differences).toEqual([
      { check: 'grants-and-ledger', userId: user.id, date: null, expected: 5, found: 4 },
      { check: 'grants-and-marks', userId: user.id, date: null, expected: 1, found: 0 },
    ]);
    await service.sql('DELETE FROM request_draws WHERE grant_id = $1', [id]);
    expect((await books()).counts).toHaveProperty('draws-and-ledger');
    await service.sql('DELETE FROM requests WHERE user_id = $1', [user.id]);
    await service.sql('DELETE FROM quota_grants WHERE id = $1', [id]);
  });
});
