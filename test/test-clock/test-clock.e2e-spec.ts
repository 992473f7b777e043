import { banner } from '../../src/cli/banner';
import { parseEnvironment } from '../../src/config/environment';
import { createDatabase } from '../support/databases';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';

const DAY_SECONDS = 86_400;

describe('a service with a test clock', () => {
  let service: Service;
  let admin: TestUser;
  const set = (body: object) => service.as(admin).post('/test/clock').send(body);
  const submit = (user: TestUser, replica = service as Replica) => replica.as(user).post('/v1/requests').send({ type: 'report' });

  beforeAll(async () => {
    service = await startService({ replicas: 2, environment: { TEST_CLOCK: true } });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  it('shows so in each answer, in readiness and in the banner', async () => {
    expect((await service.as().get('/v1/tiers').expect(200)).headers['x-test-clock']).toBe('true');
    expect((await service.as().get('/v1/nowhere').expect(404)).headers['x-test-clock']).toBe('true');
    const { body } = await service.as().get('/health/ready').expect(200);
    expect(body.checks.testClock).toEqual({ status: 'degraded', detail: expect.stringMatching(/test clock, which shows 2\d{3}-/) });
    expect(banner(service.app, null)).toMatch(/TEST CLOCK +set by POST http:\S+\/test\/clock: never for production/);
  });

  it('begins a new day on every replica as soon as the clock shows it, and stamps what is made by it', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    const { body: at } = await set({ now: '2031-03-04T12:00:00Z' }).expect(200);
    expect(at.now).toMatch(/^2031-03-04T12:/);
    await submit(user).expect(201);
    await submit(user).expect(429);
    expect((await service.as(user).get(`/v1/users/${user.id}/quota`).expect(200)).body.resetsAt).toBe('2031-03-05T00:00:00.000Z');
    const { body: later } = await set({ advance: DAY_SECONDS / 2 }).expect(200);
    expect(later.now).toMatch(/^2031-03-05T/);
    const { body } = await submit(user, service.replicas[1]).expect(201);
    expect(body.createdAt).toMatch(/^2031-03-05T/);
    await submit(user).expect(429);
    const { body: events } = await service.as(admin).get('/v1/audit-events?action=test-clock.set&limit=1').expect(200);
    expect(events.items[0]).toMatchObject({ actor: { id: admin.id }, target: { kind: 'test-clock' }, createdAt: expect.stringMatching(/^2031-03-0[45]/) });
  });

  it('ends a key that expires by the clock, though it was used a moment ago', async () => {
    await set({ now: '2032-01-01T00:00:00Z' }).expect(200);
    const { body: made } = await service
      .as(admin)
      .post(`/v1/users/${admin.id}/api-keys`)
      .send({ name: 'short', scopes: ['requests:read'], expiresAt: '2032-01-02T00:00:00Z' })
      .expect(201);
    await service
      .as(made.key as string)
      .get('/v1/requests')
      .expect(200);
    await set({ advance: DAY_SECONDS }).expect(200);
    await service
      .as(made.key as string)
      .get('/v1/requests')
      .expect(401);
  });

  it('shows both clocks, and goes back to an earlier instant', async () => {
    await set({ now: '2029-02-03T04:05:06Z' }).expect(200);
    const { body } = await service.as(admin).get('/test/clock').expect(200);
    expect(body.now).toMatch(/^2029-02-03T04:/);
    expect(Math.abs(Date.parse(body.trueNow as string) - Date.now())).toBeLessThan(DAY_SECONDS * 1_000);
  });

  it.each([
    [{}, '#/now'],
    [{ now: '2030-01-01T00:00:00Z', advance: 1 }, '#/now'],
    [{ now: 'tomorrow' }, '#/now'],
    [{ now: '1999-12-31T23:59:59Z' }, '#/now'],
    [{ now: '2100-01-01T00:00:00Z' }, '#/now'],
    [{ advance: 0 }, '#/advance'],
    [{ advance: -1 }, '#/advance'],
    [{ advance: 1.5 }, '#/advance'],
    [{ advance: 315_360_001 }, '#/advance'],
  ])('refuses %j, naming the field', async (body, pointer) => {
    const { body: problem } = await set(body).expect(400);
    expect(problem.errors[0].pointer).toBe(pointer);
  });

  it('is refused at a sum beyond the years that it shows, and at callers who are no administrators', async () => {
    await set({ now: '2099-12-31T00:00:00Z' }).expect(200);
    expect((await set({ advance: DAY_SECONDS }).expect(400)).body.errors[0].pointer).toBe('#/advance');
    await set({ now: '2030-01-01T00:00:00Z' }).expect(200);
    await service
      .as(await makeUser(service))
      .post('/test/clock')
      .send({ advance: 1 })
      .expect(403);
    await service.as().post('/test/clock').send({ advance: 1 }).expect(401);
  });

  it('does not begin without it on the same database', async () => {
    await expect(startReplica(service.databaseUrl)).rejects.toThrow(/goes by a test clock: start with --test-clock/);
  });
});

describe('a service without a test clock', () => {
  it('has none to set, and does not begin with one where there are accounts', async () => {
    const database = await createDatabase();
    const service = await startService({ database });
    try {
      const admin = await makeAdmin(service);
      const answer = await service.as(admin).post('/test/clock').send({ advance: 1 }).expect(404);
      expect(answer.headers['x-test-clock']).toBeUndefined();
      await service.as(admin).get('/test/clock').expect(404);
      await expect(startReplica(database.url, { TEST_CLOCK: true })).rejects.toThrow(/--test-clock is refused: this database has data/);
    } finally {
      await service.close();
    }
  });

  it('is all that production knows', () => {
    expect(() => parseEnvironment({ NODE_ENV: 'production', TEST_CLOCK: 'true' }, false)).toThrow(/--test-clock.*never for production/);
  });
});
