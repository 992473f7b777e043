import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { books, claim, loseLease, makeWorker, newType, putSetting, submit } from './work';

describe('the life of a request', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const act = (id: string, verb: string, body: object = {}, as = worker) => service.as(as).post(`/v1/requests/${id}/${verb}`).send(body);

  it('goes from pending to processing to succeeded, with its result, at full cost', async () => {
    const user = await makeUser(service);
    const type = newType();
    const made = await submit(service, user, type, { payload: { n: 1 } });
    expect(made).toMatchObject({ status: 'pending', attempt: 0, startedAt: null, deadlineAt: null });
    const [item] = await claim(service, worker, type);
    expect(item).toMatchObject({ id: made.id, userId: user.id, status: 'processing', attempt: 1, payload: { n: 1 } });
    expect(Date.parse(item.leaseExpiresAt) - Date.parse(item.startedAt)).toBe(60_000);
    expect(await claim(service, worker, type)).toEqual([]);
    const { body } = await act(made.id, 'complete', { attempt: 1, result: { lines: 3 } }).expect(200);
    expect(body).toMatchObject({ status: 'succeeded', result: { lines: 3 }, refundedUnits: 0, error: null });
    const { body: read } = await service.as(user).get(`/v1/requests/${made.id}`).expect(200);
    expect(read).toMatchObject(body);
    expect(await books(service, user)).toMatchObject({ used: 1, refunded: 0, ledger: 1 });
  });

  it('lets the first result stand when it is completed twice', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    const answers = await Promise.all([1, 2, 3].map((result) => act(id, 'complete', { attempt: 1, result })));
    const winner = answers.find(({ status }) => status === 200)!;
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(answers.find(({ status }) => status === 409)!.body).toMatchObject({ code: 'request-final', currentStatus: 'succeeded' });
    expect((await service.as(user).get(`/v1/requests/${id}`)).body.result).toBe(winner.body.result);
  });

  it('settles for fewer units than reserved, down to none, and never for more', async () => {
    const backend = await makeUser(service, { scopes: ['requests:write', 'service'] });
    const type = newType();
    const user = await makeUser(service);
    for (const units of [3, 0]) {
      const { id } = await submit(service, backend, type, { userId: user.id, cost: 10 });
      await claim(service, worker, type);
      const over = await act(id, 'complete', { attempt: 1, units: 11 }).expect(400);
      expect(over.body.errors[0]).toMatchObject({ pointer: '#/units', code: 'over-cost' });
      const { body } = await act(id, 'complete', { attempt: 1, units }).expect(200);
      expect(body).toMatchObject({ status: 'succeeded', cost: 10, refundedUnits: 10 - units });
    }
    expect(await books(service, user)).toMatchObject({ used: 3, refunded: 17, ledger: 3 });
  });

  it('refunds a failure, and a retryable one only when its attempts are exhausted', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    for (const attempt of [1, 2]) {
      const [item] = await claim(service, worker, type);
      expect(item).toMatchObject({ id, attempt });
      const { body } = await act(id, 'fail', { attempt, error: { reason: attempt }, retryable: true }).expect(200);
      expect(body).toMatchObject({ status: 'pending', error: { reason: attempt }, refundedUnits: 0, finishedAt: null });
      expect(Date.parse(body.availableAt)).toBeGreaterThan(Date.parse(body.updatedAt));
      expect(await claim(service, worker, type)).toEqual([]);
      await service.sql(`UPDATE requests SET available_at = now() WHERE id = $1`, [id]);
    }
    await claim(service, worker, type);
    const { body } = await act(id, 'fail', { attempt: 3, error: 'out of luck', retryable: true }).expect(200);
    expect(body).toMatchObject({ status: 'failed', error: 'out of luck', refundedUnits: 1, availableAt: null });
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 1, ledger: 0 });
  });

  it('waits longer before each attempt, by twice, with some chance, up to the maximum', async () => {
    const user = await makeUser(service);
    const type = newType();
    await putSetting(service, 'requests.types', { [type]: { maxAttempts: 12 } });
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 11; attempt++) {
      const { body } = await act(id, 'fail', { attempt, retryable: true }).expect(200);
      pauses.push((Date.parse(body.availableAt) - Date.parse(body.updatedAt)) / 1_000);
      await service.sql(`UPDATE requests SET available_at = now() WHERE id = $1`, [id]);
      await claim(service, worker, type);
    }
    pauses.forEach((pause, i) => {
      const full = Math.min(300, 2 * 2 ** i);
      expect(pause).toBeGreaterThanOrEqual(full / 2 - 0.002);
      expect(pause).toBeLessThanOrEqual(full + 0.002);
    });
    await putSetting(service, 'requests.types', null);
  });

  it('hands a request on when its lease runs out, and refuses whoever lost it', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    await loseLease(service, id);
    const [again] = await claim(service, worker, type);
    expect(again).toMatchObject({ id, attempt: 2 });
    for (const [verb, body] of [
      ['heartbeat', {}],
      ['complete', { result: 1 }],
      ['fail', {}],
    ] as const) {
      const { body: problem } = await act(id, verb, { attempt: 1, ...body }).expect(409);
      expect(problem).toMatchObject({ code: 'stale-attempt', currentStatus: 'processing', currentAttempt: 2 });
    }
    await act(id, 'complete', { attempt: 2 }).expect(200);
    expect(await service.sql(`SELECT attempt, outcome FROM request_attempts WHERE request_id = $1`, [id])).toEqual([{ attempt: 1, outcome: 'lost' }]);
  });

  it('fails and refunds what was lost as often as it has attempts', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    for (const attempt of [1, 2, 3]) {
      expect((await claim(service, worker, type))[0]).toMatchObject({ id, attempt });
      await loseLease(service, id);
    }
    expect(await claim(service, worker, type)).toEqual([]);
    // The claim's answer does not wait for the end of what it noticed.
    await eventually(async () => {
      const { body } = await service.as(user).get(`/v1/requests/${id}`);
      expect(body).toMatchObject({ status: 'failed', error: { code: 'attempts-exhausted' }, refundedUnits: 1 });
    });
    expect(await books(service, user)).toMatchObject({ used: 0, ledger: 0 });
  });

  it('extends a lease at a heartbeat', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    const [item] = await claim(service, worker, type, { leaseSeconds: 5 });
    const { body } = await act(id, 'heartbeat', { attempt: 1, leaseSeconds: 600 }).expect(200);
    expect(body).toMatchObject({ id, attempt: 1, cancelRequested: false });
    expect(Date.parse(body.leaseExpiresAt) - Date.parse(item.leaseExpiresAt)).toBeGreaterThanOrEqual(595_000);
  });

  it('cancels what waits at once and refunds it', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    const { body } = await act(id, 'cancel', {}, user).expect(200);
    expect(body).toMatchObject({ id, status: 'canceled', refundedUnits: 1, refunded: 1 });
    expect(await claim(service, worker, type)).toEqual([]);
    expect((await act(id, 'cancel', {}, user).expect(409)).body).toMatchObject({ code: 'request-final', currentStatus: 'canceled' });
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 1, ledger: 0 });
  });

  it('asks the worker to stop what it carries out, and gives back what is not settled', async () => {
    const backend = await makeUser(service, { scopes: ['requests:write', 'service'] });
    const type = newType();
    const { id } = await submit(service, backend, type, { cost: 8 });
    await claim(service, worker, type);
    const { body: asked } = await act(id, 'cancel', {}, backend).expect(200);
    expect(asked).toMatchObject({ status: 'processing', refunded: 0, cancelRequestedAt: expect.any(String) });
    expect((await act(id, 'heartbeat', { attempt: 1 }).expect(200)).body.cancelRequested).toBe(true);
    const { body } = await act(id, 'fail', { attempt: 1, retryable: true, units: 3 }).expect(200);
    expect(body).toMatchObject({ status: 'canceled', refundedUnits: 5 });
    expect(await books(service, backend)).toMatchObject({ used: 3, ledger: 3 });
  });

  it('expires what nobody claimed by its deadline, and what nobody finished by it', async () => {
    const user = await makeUser(service);
    const type = newType();
    const deadlineAt = new Date(Date.now() + 3_600_000).toISOString();
    const waiting = await submit(service, user, type, { deadlineAt });
    const running = await submit(service, user, type, { deadlineAt });
    expect(waiting.deadlineAt).toBe(deadlineAt);
    const [first] = await claim(service, worker, type, { leaseSeconds: 3_600 });
    expect(first.id).toBe(waiting.id);
    expect(Date.parse(first.leaseExpiresAt)).toBeLessThanOrEqual(Date.parse(deadlineAt));
    await service.sql(`UPDATE requests SET deadline_at = now() - interval '1 second' WHERE id = ANY ($1)`, [[waiting.id, running.id]]);
    expect((await act(first.id, 'complete', { attempt: 1, result: 1 }).expect(409)).body).toMatchObject({ code: 'request-final', currentStatus: 'expired' });
    expect(await claim(service, worker, type)).toEqual([]);
    const { body } = await service.as(user).get(`/v1/requests/${running.id}`);
    expect(body).toMatchObject({ status: 'expired', result: null, error: { code: 'deadline-passed' }, refundedUnits: 1 });
    expect((await service.as(user).get(`/v1/requests/${first.id}`)).body).toMatchObject({ status: 'expired', refundedUnits: 0 });
    expect(await books(service, user)).toMatchObject({ used: 1, refunded: 1, ledger: 1 });
  });

  it('keeps requests from those whom they do not concern', async () => {
    const user = await makeUser(service);
    const stranger = await makeUser(service);
    const admin = await makeAdmin(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await act(id, 'cancel', {}, stranger).expect(404);
    await act('01890000-0000-7000-8000-000000000000', 'cancel', {}, user).expect(404);
    await act('nonsense', 'cancel', {}, user).expect(404);
    const refused = await service
      .as(user)
      .post('/v1/requests/claim')
      .send({ types: [type] })
      .expect(403);
    expect(refused.body).toMatchObject({ code: 'scope-required', scopes: ['worker'] });
    await act(id, 'complete', { attempt: 1 }, user).expect(403);
    await act(id, 'complete', { attempt: 1 }).expect(409);
    await act(id, 'cancel', {}, admin).expect(200);
  });

  it.each([
    ['claim', { types: ['a'], leaseSeconds: 0 }, '#/leaseSeconds'],
    ['claim', { types: ['a'], leaseSeconds: 86_400 }, '#/leaseSeconds'],
    ['claim', { types: [] }, '#/types'],
    ['claim', { types: ['NO'] }, '#/types'],
    ['claim', { types: ['a'], limit: 101 }, '#/limit'],
  ])('refuses a %s of %j', async (verb, body, pointer) => {
    const answer = await service.as(worker).post(`/v1/requests/${verb}`).send(body).expect(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('refuses a result that is too large and leaves the request as it was', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    const { body } = await act(id, 'complete', { attempt: 1, result: 'x'.repeat(70_000) }).expect(413);
    expect(body.code).toBe('result-too-large');
    await act(id, 'complete', { attempt: 1, result: 'x' }).expect(200);
  });

  it('refuses a deadline that is over or none of the calendar, and charges nothing', async () => {
    const user = await makeUser(service);
    for (const deadlineAt of ['2020-01-01T00:00:00Z', '2030-02-31T25:00:00Z', '2030-01-01', 5]) {
      const { body } = await service.as(user).post('/v1/requests').send({ type: 'x', deadlineAt }).expect(400);
      expect(body.errors[0].pointer).toBe('#/deadlineAt');
    }
    expect(await books(service, user)).toMatchObject({ used: 0, ledger: 0 });
  });

  it('cannot be moved out of a final state by plain SQL either', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await act(id, 'cancel', {}, user).expect(200);
    await expect(service.sql(`UPDATE requests SET status = 'pending' WHERE id = $1`, [id])).rejects.toMatchObject({ constraint: 'requests_status_move' });
  });

  it('answers a retried submit as the first time whatever became of the request', async () => {
    const user = await makeUser(service);
    const type = newType();
    const send = () => service.as(user).post('/v1/requests').set('idempotency-key', type).send({ type, deadlineAt: '2999-01-01T00:00:00.5Z' });
    const { body } = await send().expect(201);
    await claim(service, worker, type);
    await act(body.id, 'complete', { attempt: 1, result: 1 }).expect(200);
    const again = await send().expect(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(body);
  });
});
