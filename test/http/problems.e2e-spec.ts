import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { eventually } from '../support/eventually';
import { rawRequest } from '../support/raw-http';
import { type Service, startService } from '../support/service';

describe('problems', () => {
  let service: Service;
  let user: TestUser;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    user = await makeUser(service);
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const shape = (status: number, code: string) => ({
    type: expect.stringMatching(/^(\/errors\/[a-z-]+|https:\/\/iana\.org\/.+)$/),
    title: expect.stringMatching(/./),
    status,
    detail: expect.stringMatching(/.{10}/),
    instance: expect.stringMatching(/^urn:quotidian:request:[\w.-]+$/),
    code,
  });
  const isProblem = (answer: { status: number; body: unknown; headers: Record<string, unknown> }, status: number, code: string) => {
    expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/problem+json']);
    expect(answer.body).toMatchObject(shape(status, code));
    const { instance } = answer.body as { instance: string };
    expect(instance).toBe(`urn:quotidian:request:${answer.headers['x-request-id'] as string}`);
  };
  const post = (body: string | Buffer, type = 'application/json') =>
    service
      .as(user)
      .post('/v1/requests')
      .set('content-type', type)
      .serialize((sent: unknown) => sent as string)
      .send(body as string);

  it.each([
    '/',
    '/v1',
    '/v1/none',
    '/v2/users',
    '/v1/requests/a/b/c/d',
    '/v1//users',
    '/v1/users/me/',
    '/.env',
    `/v1/${'x'.repeat(3_000)}`,
    '/v1/%F0%9F%98%80',
  ])('answer the unknown path %s', async (path) => {
    isProblem(await service.as().get(path), 404, 'not-found');
    isProblem(await service.as().post(path).send({}), 404, 'not-found');
  });

  it.each(['/v1/tiers/%00', '/v1/tiers/a%00', '/v1/users/me/configurations/%00', '/v1/configurations/a%00b', '/v1/requests/%00'])(
    'answer what no thing is named, %s, as a thing that there is not',
    async (path) => isProblem(await service.as(user).get(path), 404, 'not-found'),
  );

  it.each(['/v1/users/%', '/v1/users/%zz', '/v1/users/%C3', '/v1/tiers/%ff?x=%ff', '/v1/requests/%c0%ae'])('answer the malformed path %s', async (path) => {
    const { status, headers, body } = await rawRequest(service.url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    isProblem({ status, headers, body: JSON.parse(body) }, 400, 'malformed-request');
  });

  it('answer a method that the path does not take with those that it does', async () => {
    for (const [method, path, allow] of [
      ['delete', '/v1/requests', 'GET, HEAD, POST'],
      ['put', '/v1/users/me', 'DELETE, GET, HEAD, PATCH'],
      ['post', '/v1/users/me', 'DELETE, GET, HEAD, PATCH'],
      ['patch', '/v1/auth/login', 'POST'],
      ['get', '/v1/auth/login', 'POST'],
      ['options', '/v1/tiers', 'GET, HEAD, POST'],
      ['trace', '/v1/tiers', 'GET, HEAD, POST'],
      ['post', '/health/ready', 'GET, HEAD'],
      ['get', '/v1/jobs/quota-reset/run', 'POST'],
    ] as const) {
      const answer = await service.as()[method](path);
      isProblem(answer, 405, 'method-not-allowed');
      expect([path, answer.headers.allow]).toEqual([path, allow]);
    }
  });

  it('answer HEAD as GET, without a body', async () => {
    const { headers, text } = await service.as().head('/v1/tiers').expect(200);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(text ?? '').toBe('');
    await service.as().head('/v1/none').expect(404);
  });

  it('answer bodies beyond 256 kB, announced or not', async () => {
    const large = JSON.stringify({ type: 'x', payload: { text: 'x'.repeat(256 * 1_024) } });
    isProblem(await post(large), 413, 'body-too-large');
    const chunk = `${(16_384).toString(16)}\r\n${'x'.repeat(16_384)}\r\n`;
    const { status, headers, body } = await rawRequest(
      service.url,
      `POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
      chunk.repeat(17),
      '0\r\n\r\n',
    );
    isProblem({ status, headers, body: JSON.parse(body) }, 413, 'body-too-large');
    isProblem(await post(JSON.stringify({ type: 'x', payload: { text: 'x'.repeat(70_000) } })), 413, 'payload-too-large');
  });

  it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx', 'nonsense', ''])(
    'answer the media type %j',
    async (type) => {
      isProblem(await post('{"type":"x"}', type), 415, 'unsupported-media-type');
    },
  );

  it.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])('do not stand in the way of %s', async (type) => {
    await post('{"type":"x"}', type).expect(201);
  });

  it.each([
    '{',
    '{"type":}',
    "{'type':'x'}",
    '{"type":"x"} x',
    '{"type":"x",}',
    'undefined',
    '\u{feff}{"type":"x"}x',
    '{"type":"x"',
    '[1',
    'NaN',
    '{"a":01}',
    '{"a":"\n"}',
  ])('answer the bad JSON %j', async (text) => {
    isProblem(await post(text), 400, 'malformed-json');
  });

  it.each(['[]', 'null', '"text"', '5', 'true', '[{"type":"x"}]', ''])('answer JSON that is no object: %j', async (text) => {
    isProblem(await post(text), 400, 'validation-failed');
  });

  it('answer text that is not UTF-8', async () => {
    isProblem(await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), 400, 'malformed-json');
  });

  it('answer a POST without any body', async () => {
    isProblem(await service.as(user).post('/v1/requests'), 400, 'validation-failed');
    isProblem(await service.as().post('/v1/auth/login'), 400, 'validation-failed');
    await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
  });

  it('answer what is not HTTP', async () => {
    for (const text of ['GARBAGE\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'FROB / HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /v1/tiers HTTP/1.1\r\nBad Header: x\r\n\r\n']) {
      const { status, headers, body } = await rawRequest(service.url, text);
      expect([status, headers['content-type']]).toEqual([400, 'application/problem+json']);
      expect(JSON.parse(body)).toMatchObject(shape(400, 'malformed-request'));
    }
    const { status, headers, body } = await rawRequest(service.url, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect([status, headers['content-type']]).toEqual([431, 'application/problem+json']);
    expect(JSON.parse(body)).toMatchObject(shape(431, 'headers-too-large'));
  });

  it('name the kind of a value that is of the wrong one, not the bounds', async () => {
    const user = await makeUser(service, { scopes: ['requests:write', 'service'] });
    const { body } = await service.as(user).post('/v1/requests').send({ type: 'report', cost: 'abc' }).expect(400);
    expect(body.errors).toEqual([{ pointer: '#/cost', detail: 'must be an integer number', code: 'is-int' }]);
  });

  it('bear the caller’s request id if it is sane, and else one of ours', async () => {
    for (const id of ['abc', '0', 'A-b_c.9', 'x'.repeat(64)]) {
      expect((await service.as().get('/v1/tiers').set('x-request-id', id)).headers['x-request-id']).toBe(id);
    }
    for (const id of ['', ' ', '-abc', 'x'.repeat(65), 'a b', 'a\tb', '<script>', 'a;b', '../x', 'ü', '%0a']) {
      const { headers } = await service
        .as()
        .get('/v1/none')
        .set('x-request-id', encodeURI(id) === id ? id : Buffer.from(id).toString('latin1'));
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
    const two = await rawRequest(service.url, 'GET /v1/tiers HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\nX-Request-Id: b\r\nConnection: close\r\n\r\n');
    expect(two.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('are counted by their code', async () => {
    await service.as().get('/v1/none').expect(404);
    await eventually(async () => expect((await service.as().get('/metrics').expect(200)).text).toMatch(/^quotidian_problems_total\{code="not-found"\} [1-9]/m));
  });

  it('and all other answers carry the security headers', async () => {
    for (const path of ['/v1/tiers', '/v1/none', '/health/live', '/v1/users/me', '/metrics']) {
      expect((await service.as().get(path)).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'x-request-id': expect.stringMatching(/./),
      });
      expect((await service.as().get(path)).headers).not.toHaveProperty('x-powered-by');
    }
  });

  it('have a JSON body with Z times wherever there is no problem', async () => {
    const { headers, body } = await service.as(user).get('/v1/users/me').expect(200);
    expect(headers['content-type']).toMatch(/^application\/json/);
    expect(body.createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('honour traceparent, good or bad, without failing', async () => {
    for (const traceparent of ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'nonsense', '00-0-0-00', 'ff'.repeat(500)]) {
      await service.as().get('/v1/tiers').set('traceparent', traceparent).expect(200);
    }
  });
});
