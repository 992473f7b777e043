import { BooksRepository } from '../../src/ledger/books.repository';
import { claim, loseLease, makeWorker, newType, submit } from '../requests/work';
import { eventually } from '../support/eventually';
import { promisesByTheClock } from '../support/clock-promises';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { inTransaction, untilBlocked } from '../support/waiting';

promisesByTheClock();

const SOON_MS = 2_000;
const LARGE = 900_000_000;

describe('settling', () => {
  let service: Service;
  let worker: TestUser;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const transition = (id: string, act: string, body: object, as = worker) => service.as(as).post(`/v1/requests/${id}/${act}`).send(body);

  it('of other users goes on while a row is held, and what waits for it is settled when it is free', async () => {
    const held = await makeUser(service);
    const other = await makeUser(service);
    const type = newType();
    await submit(service, held, type);
    const [mine] = await claim(service, worker, type);
    for (let i = 0; i < 8; i++) await submit(service, other, type);
    const theirs = await claim(service, worker, type, { limit: 8 });
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      const waiting = transition(mine.id as string, 'fail', { attempt: 1, error: {} }).then(({ status }) => status);
      await untilBlocked(service, 1);
      const startedAt = performance.now();
      for (const { id } of theirs) await transition(id as string, 'complete', { attempt: 1, units: 0 }).expect(200);
      expect(performance.now() - startedAt).toBeLessThan(4 * SOON_MS);
      await client.query('COMMIT');
      expect(await waiting).toBe(200);
    });
    const [row] = await service.sql('SELECT api_quota_used_today AS used, api_quota_refunded_today AS refunded FROM users WHERE id = $1', [held.id]);
    expect(row).toEqual({ used: 0, refunded: 1 });
  });

  it('credits a capped key that somebody held, when it is free', async () => {
    const user = await makeUser(service, { dailyCap: 5 });
    const other = await makeUser(service);
    const type = newType();
    const first = await submit(service, user, type);
    const second = await submit(service, other, type);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM api_keys WHERE user_id = $1 FOR UPDATE', [user.id]);
      const waiting = transition(first.id as string, 'cancel', {}, admin).then(({ status }) => status);
      await untilBlocked(service, 1);
      await transition(second.id as string, 'cancel', {}, admin).expect(200);
      await client.query('COMMIT');
      expect(await waiting).toBe(200);
    });
    const [row] = await service.sql('SELECT cap_used_today AS used FROM api_keys WHERE user_id = $1', [user.id]);
    expect(row).toEqual({ used: 0 });
  });

  it('holds however many units go back in a day: completions, cancels, resets, what the clock ends, the close-out and the books', async () => {
    const user = await makeUser(service, { unlimited: true });
    const type = newType();
    const large = () => service.as(admin).post('/v1/requests').send({ type, userId: user.id, cost: LARGE });
    for (let i = 0; i < 3; i++) {
      await large().expect(201);
      const [{ id }] = await claim(service, worker, type);
      await transition(id as string, 'complete', { attempt: 1, units: 1 }).expect(200);
    }
    const { body } = await large().expect(201);
    await transition(body.id as string, 'cancel', {}, admin).expect(200);
    await large().expect(201);
    await service.sql(`UPDATE requests SET max_attempts = 1 WHERE user_id = $1 AND status = 'pending'`, [user.id]);
    const [last] = await claim(service, worker, type);
    await service.sql('UPDATE requests SET max_attempts = 1 WHERE id = $1', [last.id]);
    await loseLease(service, last.id as string);
    await submit(service, await makeUser(service), type);
    expect(await claim(service, worker, type)).toHaveLength(1);
    // Ended beside the claim that noticed it.
    const ended = () => service.as(user).get(`/v1/requests/${last.id}`).expect(200);
    await eventually(async () => expect((await ended()).body).toMatchObject({ status: 'failed', refundedUnits: LARGE }));
    await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
    const usage = await service.as(user).get('/v1/users/me/usage').expect(200);
    expect(usage.body.items.at(-1)).toMatchObject({ used: 0, refunded: 2_147_483_647 });
    expect((await service.app.get(BooksRepository).compare()).counts).toEqual({});
  });

  it('refuses what would pass the end of the counter as quota-exceeded, and closes such a day out', async () => {
    const user = await makeUser(service, { unlimited: true });
    const charge = (cost: number) => service.as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
    await charge(2_147_483_647).expect(201);
    const { body } = await charge(1).expect(429);
    expect(body).toMatchObject({ code: 'quota-exceeded', limit: 2_147_483_647, remaining: 0 });
    await service.sql(
      `WITH u AS (UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1) UPDATE requests SET charged_on = charged_on - 1 WHERE user_id = $1`,
      [user.id],
    );
    expect((await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200)).body.closedOut).toBeGreaterThan(0);
    const [row] = await service.sql('SELECT used, requests FROM quota_usage WHERE user_id = $1', [user.id]);
    expect(row).toEqual({ used: 2_147_483_647, requests: 1 });
    await charge(1).expect(201);
  });
});
