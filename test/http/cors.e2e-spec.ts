import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeKey } from '../support/settings';

const ORIGIN = 'https://app.example.com';
const PREFLIGHT = { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' };

describe('pages of another origin', () => {
  let service: Service;
  let user: TestUser;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    user = await makeUser(service);
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const charged = async () => (await service.sql<{ count: number }>('SELECT count(*)::int FROM requests'))[0].count;
  const corsOf = (headers: Record<string, string>) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

  it('are let in nowhere until the setting names them', async () => {
    expect(corsOf((await service.as(user).get('/v1/users/me').set('origin', ORIGIN).expect(200)).headers)).toEqual([]);
    expect(corsOf((await service.as().options('/v1/requests').set(PREFLIGHT).expect(405)).headers)).toEqual([]);
  });

  describe('that the setting http.corsOrigins names', () => {
    beforeAll(() => writeKey(service, admin, 'http.corsOrigins', { value: [ORIGIN, 'http://localhost:5173'] }));

    it('may read answers and problems with the fields that they need, and send no cookies', async () => {
      for (const answer of [
        await service.as(user).post('/v1/requests').set('origin', ORIGIN).send({ type: 'x' }).expect(201),
        await service.as(user).get('/v1/none').set('origin', ORIGIN).expect(404),
        await service.as().get('/v1/users/me').set('origin', ORIGIN).expect(401),
      ]) {
        expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN, vary: 'Origin' });
        expect(answer.headers['access-control-expose-headers'].split(', ').sort()).toEqual(
          ['RateLimit', 'RateLimit-Policy', 'Retry-After', 'Location', 'ETag', 'Idempotency-Replayed', 'X-Request-Id'].sort(),
        );
        expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
      }
    });

    it('have their preflight answered without a credential and at no cost', async () => {
      const before = await charged();
      const { headers, text } = await service.as().options('/v1/requests').set(PREFLIGHT).expect(204);
      expect(text).toBe('');
      expect(headers).toMatchObject({
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-methods': 'GET, HEAD, POST',
        'access-control-max-age': '600',
      });
      const allowed = headers['access-control-allow-headers'].toLowerCase().split(', ');
      expect(allowed).toEqual(expect.arrayContaining(['authorization', 'content-type', 'idempotency-key', 'if-match', 'prefer', 'last-event-id']));
      await service.as().options('/v1/users/5/configurations/some.key').set(PREFLIGHT).expect(204);
      expect(await charged()).toBe(before);
    });

    it.each(['/v1/authorize', '/v1/authorize/some/path'])('are metered at %s, where every method is', async (path) => {
      const before = await charged();
      await service.as().options(path).set(PREFLIGHT).expect(401);
      await service.as(user).options(path).set(PREFLIGHT).expect(204);
      expect(await charged()).toBe(before + 1);
    });

    it.each(['https://app.example.com.evil.test', 'https://evil.test', 'http://app.example.com', 'null'])('leave %s out', async (origin) => {
      expect(corsOf((await service.as().get('/v1/tiers').set('origin', origin).expect(200)).headers)).toEqual([]);
      const { headers } = await service
        .as()
        .options('/v1/requests')
        .set({ ...PREFLIGHT, origin })
        .expect(405);
      expect(corsOf(headers)).toEqual([]);
      expect(headers.vary).toBe('Origin');
    });

    it('have no preflight of a path that there is not, and OPTIONS is no method of its own', async () => {
      await service.as().options('/v1/none').set(PREFLIGHT).expect(404);
      await service.as().options('/v1/requests').set('origin', ORIGIN).expect(405);
    });
  });

  it('are all of them where the setting states so', async () => {
    await writeKey(service, admin, 'http.corsOrigins', { value: ['*'] });
    expect((await service.as().get('/v1/tiers').set('origin', 'https://any.test').expect(200)).headers['access-control-allow-origin']).toBe('*');
  });

  it.each([['app.example.com'], ['https://app.example.com/'], ['https://app.example.com/path'], ['https://*.example.com'], ['null'], ['']])(
    'are named by their origin alone: %j is refused',
    async (origin) => {
      const body = { value: [origin] };
      await service.as(admin).put('/v1/configurations/http.corsOrigins').set('if-match', '*').send(body).expect(400);
    },
  );
});
