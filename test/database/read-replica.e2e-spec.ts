import { createDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';

const AS_OF = 'x-read-as-of';

/**
 * A second way to the same server stands for a replica: it has replayed everything at once. Two servers, of which one lags, is cut off
 * and is promoted: `npm run test:faults -- replica`.
 */
describe('reads from a replica', () => {
  let database: TestDatabase;
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    database = await createDatabase();
    service = await startService({ database, environment: { DATABASE_READ_URL: database.url } });
    [admin, user] = await Promise.all([makeAdmin(service), makeUser(service)]);
    await service.as(user).post('/v1/requests').send({ type: 'listed' }).expect(201);
    await asOf(user, '/v1/requests');
  });
  afterAll(async () => {
    await service.close();
    process.env.DATABASE_READ_URL = '';
  });

  /** The answer, once it comes from the replica: callers who have just written wait for it to have that. */
  const asOf = async (by: TestUser, path: string) => {
    const ask = () => service.as(by).get(path).expect(200);
    let answer = await ask();
    await eventually(async () => {
      answer = await ask();
      return answer.headers[AS_OF] !== undefined;
    });
    return answer;
  };
  const readiness = async (replica: Replica) => (await replica.as().get('/health/ready').expect(200)).body.checks.readReplica;

  it.each(['/v1/users', '/v1/audit-events', '/v1/events', '/v1/requests', '/v1/users/me/usage', '/v1/users/me/export'])(
    'answer %s, and state since when it may lack something',
    async (path) => {
      const { headers, body } = await asOf(admin, path);
      expect(headers[AS_OF]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      await service
        .as(admin)
        .get(path)
        .set('cache-control', 'no-cache')
        .expect(200)
        .expect(({ headers: plain }) => expect(plain[AS_OF]).toBeUndefined());
      expect(body).toBeDefined();
    },
  );

  it('never hide from callers what they have just written', async () => {
    for (let n = 0; n < 10; n++) {
      const { body } = await service.as(user).post('/v1/requests').send({ type: 'own' }).expect(201);
      const { body: page } = await service.as(user).get('/v1/requests?limit=1').expect(200);
      expect(page.items[0].id).toBe(body.id);
    }
  });

  it('are no way to what is decided: quotas and single things come from the primary', async () => {
    await asOf(user, '/v1/requests');
    for (const path of ['/v1/users/me', '/v1/users/me/quota']) {
      const { headers } = await service.as(user).get(path).expect(200);
      expect(headers[AS_OF]).toBeUndefined();
    }
  });

  it('refuse a wrong page alike, and are shown in readiness and by the doctor', async () => {
    await service.as(user).get('/v1/requests?cursor=nonsense').expect(400);
    expect(await readiness(service)).toMatchObject({ status: 'up', detail: expect.stringContaining('as of') });
    const { body } = await service.as(admin).get('/v1/doctor').expect(200);
    const findings = (body.groups as { findings: { check: string; status: string }[] }[]).flatMap((group) => group.findings);
    expect(findings.find(({ check }) => check === 'read replica')).toMatchObject({ status: 'ok' });
  });

  it.each([
    ['is away', () => Promise.resolve({ url: 'postgres://nobody@127.0.0.1:1/nothing', drop: () => Promise.resolve() }), 'ECONNREFUSED'],
    ['is another database', () => createDatabase(), 'no replica of the database'],
  ])('are answered by the primary where the replica %s', async (_, make, reason) => {
    const other = await make();
    const replica = await startReplica(database.url, { DATABASE_READ_URL: other.url });
    try {
      await eventually(async () => expect(await readiness(replica)).toMatchObject({ status: 'degraded', detail: expect.stringContaining(reason) }));
      const { headers } = await replica.as(user).get('/v1/requests').expect(200);
      expect(headers[AS_OF]).toBeUndefined();
    } finally {
      await replica.close();
      await other.drop();
    }
  });

  it('are refused at the start where their address cannot be meant', async () => {
    await expect(startReplica(database.url, { DATABASE_READ_URL: 'postgres://u@a,b/x' })).rejects.toThrow('DATABASE_READ_URL names several servers');
    await expect(startReplica(database.url, { DATABASE_READ_URL: 'mysql://x' })).rejects.toThrow('DATABASE_READ_URL must start with');
  });
});
