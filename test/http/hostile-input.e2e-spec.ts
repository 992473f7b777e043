import { getMetadataStorage } from 'class-validator';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { rawRequest } from '../support/raw-http';
import { filled, type Route, routesOf } from '../support/routes';
import { type Service, startService } from '../support/service';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

/** As JSON text, for what JSON.stringify would not write. */
const ODD = [
  'null', '-1', '1.5', '2147483648', '9223372036854775808', '1e400', 'true', '""', '"\\u0000"', '"\\ud800"', '"İıß"', `"${'x'.repeat(30_000)}"`,
  '"9999-12-31T23:59:59Z"', '"-infinity"', '[]', '[null]', '["x","x"]', '{}', '{"length":5}', '{"$ref":"#"}', `["${'x","'.repeat(300)}"]`, nested(31),
]; // prettier-ignore

const IN_PATH = [
  '0',
  '-1',
  '1.5',
  '2147483648',
  '9223372036854775808',
  '1e3',
  'x',
  '%00',
  'a%00b',
  '%F0%9F%98%80',
  '%20',
  '..',
  '%2e%2e',
  "';--",
  'x'.repeat(250),
  'x'.repeat(2_000),
  '__proto__',
  'constructor',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
];
const IN_QUERY = [
  '',
  '0',
  '-1',
  '2147483648',
  '9999999999999999999',
  '1e3',
  'x',
  '%00',
  '%ff',
  '%F0%9F%98%80',
  'a&a=b',
  '2020-02-30',
  '9999-12-31',
  '0000-01-01',
  '2020-01-01T00:00:00Z',
  '275760-09-13T00:00:00Z',
  '[]',
  '{}',
  'null',
  "';--",
  'x'.repeat(600),
];

describe('hostile input', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  let routes: Route[];
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service, { unlimited: true });
    routes = routesOf(service.app).filter(({ method, path }) => ['get', 'post', 'put', 'patch', 'delete'].includes(method) && !path.includes('*'));
  });
  afterAll(() => service.close());

  /** By fetch, which keeps connections: here are thousands of calls. */
  async function send(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
    const headers = { authorization: `Bearer ${admin.key}`, 'if-match': '*', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(`${service.url}${path}`, { method: method.toUpperCase(), headers, body });
    return { status: answer.status, text: await answer.text() };
  }
  /** So many at a time as one caller may have waiting: of more, most would be refused unread. */
  const AT_ONCE = 100;
  const faultsOf = async (calls: { method: string; path: string; body?: string }[]) => {
    const faults = [];
    for (let i = 0; i < calls.length; i += AT_ONCE) {
      const some = calls.slice(i, i + AT_ONCE);
      const answers = await Promise.all(
        some.map(async ({ method, path, body }) => ({ method, path, body: body?.slice(0, 120), ...(await send(method, path, body)) })),
      );
      faults.push(...answers.filter(({ status }) => status >= 500));
    }
    return faults;
  };
  const submit = (text: string) =>
    service
      .as(user)
      .post('/v1/requests')
      .set('content-type', 'application/json')
      .serialize((sent: unknown) => sent as string)
      .send(text);
  const fieldsOf = (dto: Route['body']) => [
    ...new Set(
      getMetadataStorage()
        .getTargetValidationMetadatas(dto as never, '', false, false)
        .map(({ propertyName }) => propertyName),
    ),
  ];

  it('in any field of any body is taken or refused, and never our fault', async () => {
    const valid = {
      email: '"odd@example.com"',
      password: '"correct horse"',
      name: '"odd"',
      dailyQuota: '5',
      value: '1',
      type: '"x"',
      reason: '"x"',
      expiresAt: '"2999-01-01T00:00:00Z"',
      attempt: '1',
      types: '["x"]',
      version: '1',
    };
    const names = { userId: String(user.id), id: '00000000-0000-0000-0000-000000000000', keyId: '999', key: 'some.key', tierId: 'pro' };
    for (const { method, path, body } of routes) {
      if (body === null) continue;
      const fields = fieldsOf(body);
      const calls = fields.flatMap((field) => {
        const rest = Object.entries(valid).flatMap(([name, text]) => (name !== field && fields.includes(name) ? [`"${name}":${text}`] : []));
        // Each password that is taken is hashed, which costs more than all the rest.
        const odds = fields.some((name) => /password/i.test(name)) ? ODD.filter((_, i) => i % 4 === 0) : ODD;
        return odds.map((odd) => ({ method, path: filled(path, names), body: `{${[`"${field}":${odd}`, ...rest].join()}}` }));
      });
      expect(await faultsOf(calls)).toEqual([]);
    }
  }, 60_000);

  it('in any part of any path is taken or refused, and never our fault', async () => {
    const calls = routes.flatMap(({ method, path }) =>
      [...path.matchAll(/:(\w+)/g)].flatMap(([, name]) =>
        IN_PATH.map((odd) => ({ method, path: filled(path, { [name]: odd }), body: method === 'get' ? undefined : '{}' })),
      ),
    );
    expect(await faultsOf(calls)).toEqual([]);
  });

  it('in any part of any query is taken or refused, and never our fault', async () => {
    const calls = routes.flatMap(({ method, path, query }) =>
      query === null
        ? []
        : [...fieldsOf(query), '__proto__', 'limit[a]'].flatMap((name) =>
            IN_QUERY.map((odd) => ({ method, path: `${filled(path)}?${name}=${odd}`, body: method === 'get' ? undefined : '{}' })),
          ),
    );
    expect(calls.length).toBeGreaterThan(500);
    expect(await faultsOf(calls)).toEqual([]);
  });

  it('nested deeper than 32 levels is refused, however deep, and 32 are taken', async () => {
    const payload = (levels: number) => `{"type":"x","payload":{"a":${nested(levels)}}}`;
    await submit(payload(30)).expect(201);
    for (const levels of [31, 1_000, 3_000, 100_000]) {
      const { body } = await submit(payload(levels)).expect(400);
      expect(body).toMatchObject({ code: 'validation-failed', errors: [{ code: 'too-deep', pointer: expect.stringMatching(/^#\/payload\/a\/0/) }] });
    }
    await submit('{"a":'.repeat(40_000)).expect(400);
  });

  it.each([
    ['{"type":"x","payload":{"a":"b\\u0000"}}', '#/payload/a', 'nul-character'],
    ['{"type":"x","payload":{"a\\u0000":1}}', '#/payload/a\\u0000', 'nul-character'],
    ['{"type":"x","payload":{"a":["\\ud800"]}}', '#/payload/a/0', 'lone-surrogate'],
    ['{"type":"x","payload":{"a":"\\udc00\\ud800"}}', '#/payload/a', 'lone-surrogate'],
    ['{"type":"x","payload":{"a":1e400}}', '#/payload/a', 'inexact-number'],
    ['{"type":"x","payload":{"a":9007199254740993}}', '#/payload/a', 'inexact-number'],
    ['{"type":"\\u0000"}', '#/type', 'nul-character'],
    ['{"type":"X"}', '#/type', 'matches'],
    ['{"type":""}', '#/type', 'matches'],
    ['{"type":null}', '#/type', 'matches'],
    ['{"type":["x"]}', '#/type', 'matches'],
    ['{"type":"x\\n"}', '#/type', 'matches'],
    ['{"type":"x","payload":[]}', '#/payload', 'is-object'],
    ['{"type":"x","payload":"text"}', '#/payload', 'is-object'],
    ['{"type":"x","cost":0}', '#/cost', 'min'],
    ['{"type":"x","cost":2147483648}', '#/cost', 'max'],
    ['{"type":"x","cost":1.5}', '#/cost', 'is-int'],
    ['{"type":"x","cost":"1"}', '#/cost', expect.any(String)],
    ['{"type":"x","userId":0}', '#/userId', 'min'],
    ['{"type":"x","extra":1}', '#/extra', 'unknown-field'],
    ['{"type":"x","constructor":{}}', '#/constructor', 'unknown-field'],
    ['{"type":"x","hasOwnProperty":1}', '#/hasOwnProperty', 'unknown-field'],
    ['{"type":"x","toString":1}', '#/toString', 'unknown-field'],
  ])('is refused with the place and the reason: %s', async (text: string, pointer: string, code: unknown) => {
    const { body } = await submit(text).expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer, code, detail: expect.any(String) }] });
  });

  it('that names __proto__ is refused and changes no prototype', async () => {
    for (const text of [
      '{"type":"x","__proto__":{"polluted":1}}',
      '{"type":"x","payload":{"__proto__":{"polluted":1}}}',
      '{"type":"x","payload":{"a":[{"\\u005f_proto__":{"polluted":1}}]}}',
      '{"type":"x","payload":{"constructor":{"prototype":{"polluted":1}}}}',
    ]) {
      const { status } = await submit(text);
      expect([text, status]).toEqual([text, 400]);
    }
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('that is only unusual comes back as it was sent', async () => {
    const payload = {
      emoji: '😀👩‍👩‍👧',
      rtl: '\u202eabc',
      quote: '"\\\'',
      nested: { a: [1, 2.5, -0.1, 1e21, null, true] },
      '': 0,
      'a/b~c': 1,
      text: '\\u0000',
      n: 9007199254740991,
    };
    const { body } = await submit(JSON.stringify({ type: 'x', payload })).expect(201);
    expect(body.payload).toEqual(payload);
    expect((await service.as(user).get(`/v1/requests/${body.id}`).expect(200)).body.payload).toEqual(payload);
  });

  it('names a member twice: the last one counts, in the charge as in the row', async () => {
    const { body } = await submit('{"type":"a","type":"b","payload":{"k":1,"k":2}}').expect(201);
    expect(body).toMatchObject({ type: 'b', payload: { k: 2 } });
  });

  it.each(['a\u0000b', 'ü', '\u0001', 'a b'])('in an Idempotency-Key: %j', async (key) => {
    const length = Buffer.byteLength('{"type":"x"}');
    const { status } = await rawRequest(
      service.url,
      Buffer.from(
        `POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\nIdempotency-Key: ${key}\r\n\r\n{"type":"x"}`,
        'latin1',
      ),
    );
    expect(status).toBe(400);
  });
});
