import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('submitting a request', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  it('admits to the last unit and refuses the next, which is recorded nowhere', async () => {
    const user = await makeUser(service, { dailyQuota: 3 });
    for (const left of [2, 1, 0]) {
      const { body, headers } = await service
        .as(user)
        .post('/v1/requests')
        .send({ type: 'search', payload: { q: 'x' } })
        .expect(201);
      expect(headers.location).toBe(`/v1/requests/${body.id}`);
      expect(headers['ratelimit-policy']).toBe('"daily";q=3;w=86400');
      expect(headers.ratelimit).toMatch(new RegExp(`^"daily";r=${left};t=\\d+$`));
    }
    const refused = await service.as(user).post('/v1/requests').send({ type: 'search' }).expect(429);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.body).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      'violated-policies': ['daily'],
      limit: 3,
      used: 3,
      requested: 1,
      remaining: 0,
      timeZone: 'Etc/UTC',
    });
    const [books] = await service.sql('SELECT count(*)::int AS rows, sum(cost)::int AS cost FROM requests WHERE user_id = $1', [user.id]);
    expect(books).toEqual({ rows: 3, cost: 3 });
  });

  it('admits exactly 50 of 200 parallel submits on a quota of 50, from two replicas', async () => {
    const user = await makeUser(service, { dailyQuota: 50 });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => service.replicas[i % 2].as(user).post('/v1/requests').send({ type: 'search' })));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(429)]).toEqual([50, 150]);
  });

  it('takes no payload or result that the database would write out larger than it may be', async () => {
    const user = await makeUser(service);
    const worker = await makeUser(service, { scopes: ['worker'] });
    const zeros = Array<number>(10_000).fill(1e308);
    const send = (n: number[]) => service.as(user).post('/v1/requests').send({ type: 'zeros', payload: { n } });
    expect((await send(zeros).expect(413)).body).toMatchObject({ code: 'payload-too-large', errors: [{ pointer: '#/payload' }] });
    const { id } = (await send([1e308, 5e-324, 1e21]).expect(201)).body as { id: string };
    await service
      .as(worker)
      .post('/v1/requests/claim')
      .send({ types: ['zeros'] })
      .expect(200);
    const complete = (result: unknown) => service.as(worker).post(`/v1/requests/${id}/complete`).send({ attempt: 1, result });
    expect((await complete(zeros).expect(413)).body).toMatchObject({ code: 'result-too-large', errors: [{ pointer: '#/result' }] });
    expect((await complete([1e308]).expect(200)).body).toMatchObject({ payload: { n: [1e308, 5e-324, 1e21] }, result: [1e308] });
  });
});
