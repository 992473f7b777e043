import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';

const password = 'correct horse battery';

describe('registration', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  const register = (body: object) => service.as().post('/v1/auth/register').send(body);

  it('answers 201 with the account on the free plan, and with nothing secret', async () => {
    const { body, headers } = await register({ email: 'Ada@Example.com', password }).expect(201);
    expect(body).toEqual({
      id: expect.any(Number),
      email: 'Ada@Example.com',
      role: 'user',
      status: 'active',
      tier: 'free',
      dailyQuota: 5,
      unlimited: false,
      timeZone: null,
      emailVerified: false,
      pendingEmail: null,
      removalDueAt: null,
      externalId: null,
      maxInFlight: null,
      metadata: {},
      adjusted: [],
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
      updatedAt: expect.any(String),
    });
    expect(headers.location).toBe(`/v1/users/${body.id}`);
    const [row] = await service.sql('SELECT password_hash FROM users WHERE id = $1', [body.id]);
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('refuses an address that is taken, whatever its case', async () => {
    await register({ email: 'Grace@example.com', password }).expect(201);
    for (const email of ['Grace@example.com', 'grace@EXAMPLE.com']) {
      const { body } = await register({ email, password }).expect(409);
      expect(body).toMatchObject({ code: 'email-taken', status: 409 });
    }
  });

  it('makes one account of 16 registrations at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        service.replicas[i % 2]
          .as()
          .post('/v1/auth/register')
          .send({ email: i % 2 ? 'race@example.com' : 'RACE@example.com', password }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 15 }, () => 409)]);
  });

  it('lets five tries in seconds pass, and counts the bad ones among them', async () => {
    for (let i = 0; i < 5; i++) await register({ email: `five-${i}@example.com`, password }).expect(201);
  });

  it.each([
    [{}, ['#/email', '#/password']],
    [{ email: 'x@example.com' }, ['#/password']],
    [{ email: 'no address', password }, ['#/email']],
    [{ email: 'аdmin@example.com', password }, ['#/email']],
    [{ email: null, password: null }, ['#/email', '#/password']],
    [{ email: `${'x'.repeat(250)}@example.com`, password }, ['#/email']],
    [{ email: 'x@example.com', password: 'short' }, ['#/password']],
    [{ email: 'x@example.com', password: 'p'.repeat(257) }, ['#/password']],
    [{ email: 'x@example.com', password, role: 'admin' }, ['#/role']],
    [{ email: 'x@example.com', password, tier: 'enterprise' }, ['#/tier']],
    [{ email: ['x@example.com'], password }, ['#/email']],
  ])('refuses %j', async (body, pointers) => {
    const answer = await register(body).expect(400);
    expect(answer.body.code).toBe('validation-failed');
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
    for (const error of answer.body.errors) expect(error).toEqual({ pointer: expect.any(String), detail: expect.any(String), code: expect.any(String) });
  });

  it('is for administrators alone once the setting states closed, on every replica', async () => {
    await service.sql(`INSERT INTO system_configurations (key, value) VALUES ('auth.registration', '"closed"')`);
    for (const replica of service.replicas) {
      await eventually(async () => {
        const { body } = await replica.as().post('/v1/auth/register').send({ email: 'late@example.com', password: 'no' }).expect(403);
        expect(body.code).toBe('registration-closed');
      }, 1_000);
    }
    await service.sql(`DELETE FROM system_configurations WHERE key = 'auth.registration'`);
  });
});
