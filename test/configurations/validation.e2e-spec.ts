import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey } from '../support/settings';

const doubling = (steps: number) => {
  const twice = (i: number) => ({ allOf: [{ $ref: `#/$defs/d${i}` }, { $ref: `#/$defs/d${i}` }] });
  return { $defs: Object.fromEntries(Array.from({ length: steps }, (_, i) => [`d${i}`, i === 0 ? {} : twice(i - 1)])), ...twice(steps - 1) };
};

describe('bad settings', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
    const schema = { type: ['object', 'array', 'number', 'string', 'null'] };
    await defineKey(service, admin, 'bad.any', { value: 'good', schema, visibility: 'public', overridable: true });
  });
  afterAll(() => service.close());

  const paths = () => ['/v1/configurations/bad.any', `/v1/users/${user.id}/configurations/bad.any`];
  /** Sends the text as it is to both kinds of setting: a 4xx that names the place, and nothing stored. */
  const refuses = async (body: string, status: number, error: object | null, code: string) => {
    for (const path of paths()) {
      const before = (await service.as(admin).get(path)).body;
      const refused = await service.as(admin).put(path).set('if-match', '*').set('content-type', 'application/json').send(body).expect(status);
      expect(refused.headers['content-type']).toBe('application/problem+json');
      expect(refused.body).toMatchObject({ code, detail: expect.any(String), ...(error === null ? {} : { errors: [error] }) });
      expect((await service.as(admin).get(path)).body).toEqual(before);
    }
  };
  const define = (key: string, body: object) => service.as(admin).put(`/v1/configurations/${key}`).set('if-none-match', '*').send(body);

  it.each<[string, string, number, object | null, string]>([
    ['no value', '{}', 400, { pointer: '#/value', detail: 'is missing' }, 'validation-failed'],
    ['the wrong type', '{"value": true}', 400, { pointer: '#/value', code: 'type' }, 'validation-failed'],
    ['an unknown field', '{"value": 1, "colour": "red"}', 400, { pointer: '#/colour', code: 'unknown-field' }, 'validation-failed'],
    ['no object', '[1]', 400, { pointer: '#' }, 'validation-failed'],
    ['a value of more than 32 kB', JSON.stringify({ value: 'é'.repeat(16_384) }), 400, { pointer: '#/value', code: 'too-large' }, 'validation-failed'],
    ['a body of more than 256 kB', JSON.stringify({ value: 'x'.repeat(300_000) }), 413, null, 'body-too-large'],
    ['more than 32 levels', `{"value": ${'['.repeat(40)}${']'.repeat(40)}}`, 400, { code: 'too-deep' }, 'validation-failed'],
    ['__proto__', '{"value": {"__proto__": {"admin": true}}}', 400, null, 'malformed-json'],
    ['NUL', '{"value": ["a\\u0000b"]}', 400, { pointer: '#/value/0', code: 'nul-character' }, 'validation-failed'],
    ['half a surrogate pair', '{"value": "\\ud800"}', 400, { pointer: '#/value', code: 'lone-surrogate' }, 'validation-failed'],
    ['an integer beyond a double', '{"value": {"n": 9007199254740993}}', 400, { pointer: '#/value/n', code: 'inexact-number' }, 'validation-failed'],
    ['an infinite number', '{"value": 1e400}', 400, { pointer: '#/value', code: 'inexact-number' }, 'validation-failed'],
    ['a number that vanishes', '{"value": 1e-400}', 400, { pointer: '#/value', code: 'inexact-number' }, 'validation-failed'],
    ['more digits than a double has', '{"value": 1234567890.123456789}', 400, { pointer: '#/value', code: 'inexact-number' }, 'validation-failed'],
    ['broken JSON', '{"value": ', 400, null, 'malformed-json'],
    ['a reason that is no text', '{"value": 1, "reason": 7}', 400, { pointer: '#/reason' }, 'validation-failed'],
  ])('%s is refused with its pointer', (_, body, status, error, code) => refuses(body, status, error, code));

  it('takes what is odd but right, and gives it back as it was', async () => {
    for (const value of [
      null,
      0,
      -0.5,
      1e300,
      5e-324,
      0.1,
      123456789.123456789e-3,
      2 ** 53,
      '',
      '𝒳',
      'x'.repeat(32_766),
      [[]],
      { constructor: 1, toString: 'x' },
    ]) {
      const { body } = await service
        .as(admin)
        .put('/v1/configurations/odd')
        .set(value === null ? { 'if-none-match': '*' } : { 'if-match': '*' })
        .send({ value });
      expect(body.value).toEqual(value);
      expect((await service.as(admin).get('/v1/configurations/odd')).body.value).toEqual(value);
    }
    await service.as(admin).get('/v1/configurations/odd/history?limit=100').expect(200);
  });

  it('shows the first five places that break the schema', async () => {
    const item = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false };
    const { body } = await define('bad.five', {
      value: [{ n: 1 }, { n: 'x' }, {}, { n: 1, 'a/b': 2 }, { n: 1.5 }, 3, 4, 5],
      schema: { type: 'array', items: item },
    }).expect(400);
    expect(body.errors.map(({ pointer, code }: Record<string, string>) => `${pointer} ${code}`)).toEqual([
      '#/value/1/n type',
      '#/value/2/n required',
      '#/value/3/a~1b additional-properties',
      '#/value/4/n type',
      '#/value/5 type',
    ]);
    await service.as(admin).get('/v1/configurations/bad.five').expect(404);
  });

  it.each<[string, object]>([
    ['an unknown keyword', { type: 'string', maxLenght: 3 }],
    ['an unknown type', { type: 'text' }],
    ['an unknown format', { type: 'string', format: 'phone' }],
    ['a keyword of another type', { type: 'string', minimum: 3 }],
    ['another draft', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'string' }],
    ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
    ['an identity of its own', { $defs: { x: { $id: 'https://example.com/x', type: 'string' } }, $ref: '#/$defs/x' }],
    ['asynchrony', { $async: true, type: 'string' }],
    ['a broken pattern', { type: 'string', pattern: '(' }],
    ['a pattern that looks ahead', { type: 'string', pattern: '(?=a)' }],
    ['a pattern with a back reference', { type: 'string', pattern: '(a)\\1' }],
    ['nothing but itself', { $ref: '#' }],
    ['a circle', { $defs: { a: { anyOf: [{ $ref: '#/$defs/b' }] }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }],
    ['references that double the work with each step', doubling(64)],
    ['more parts than compile in passing', { type: 'object', properties: Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`p${i}`, {}])) }],
    ['more than 32 kB', { type: 'string', description: 'x'.repeat(33_000) }],
  ])('a schema with %s is refused, for values and for bounds', async (_, schema) => {
    for (const field of ['schema', 'bounds'] as const) {
      if (field === 'bounds' && 'minimum' in schema) continue;
      const { body } = await define('bad.schema', { value: 'abc', [field]: schema }).expect(400);
      expect(body.errors[0]).toMatchObject({ pointer: `#/${field}`, code: expect.stringMatching(/^(invalid-schema|too-large)$/) });
    }
    await service.as(admin).get('/v1/configurations/bad.schema').expect(404);
  });

  it('a schema that some values lead in a circle refuses those, and takes the others', async () => {
    const schema = { $defs: { a: { if: { type: 'string' }, then: { $ref: '#/$defs/a' } } }, $ref: '#/$defs/a' };
    await define('bad.circle', { value: 1, schema, visibility: 'public', overridable: true }).expect(201);
    const refused = await service.as(user).put(`/v1/users/me/configurations/bad.circle`).set('if-match', '*').send({ value: 'x' }).expect(400);
    expect(refused.body.errors).toMatchObject([{ pointer: '#/value', code: 'endless-schema' }]);
    await service
      .as(user)
      .put(`/v1/users/me/configurations/bad.circle`)
      .set('if-match', '*')
      .send({ value: { tree: [] } })
      .expect(200);
  });

  it.each(['^(a+)+$', '^(a|aa)+$', '^(.*a){20}$'])('no value holds the service up under the pattern %s', async (pattern) => {
    const key = `bad.slow.${pattern.length}`;
    await define(key, { value: 'a', schema: { type: 'string' }, visibility: 'public', overridable: true, bounds: { pattern } }).expect(201);
    const long = `${'a'.repeat(32_000)}!`;
    const refused = await service.as(user).put(`/v1/users/me/configurations/${key}`).set('if-match', '*').send({ value: long }).expect(400);
    expect(refused.body.errors).toMatchObject([{ pointer: '#/value', code: 'pattern' }]);
    await service
      .as(user)
      .put(`/v1/users/me/configurations/${key}`)
      .set('if-match', '*')
      .send({ value: 'a'.repeat(40) })
      .expect(200);
    await service.sql(`UPDATE user_configurations SET value = to_jsonb($1::text) WHERE key = $2`, [long, key]);
    const { body } = await service.as(user).get(`/v1/users/me/configurations/${key}`).expect(200);
    expect(body).toMatchObject({ value: 'a', adjusted: 'inherited' });
  });

  it.each<[string, object]>([
    ['schema', { schema: 'string' }],
    ['bounds', { bounds: [1] }],
    ['description', { description: null }],
    ['visibility', { visibility: 'hidden' }],
    ['visibility', { visibility: null }],
    ['overridable', { overridable: 'yes' }],
    ['overridable', { overridable: null }],
    ['unit', { unit: 5 }],
  ])('a malformed %s is refused with its pointer: %j', async (field, part) => {
    const { body } = await define('bad.field', { value: 1, ...part }).expect(400);
    expect(body.errors).toMatchObject([{ pointer: `#/${field}` }]);
  });

  it('takes a value of a declared setting only, and only one that its schema takes', async () => {
    const put = (key: string, body: object) => service.as(admin).put(`/v1/configurations/${key}`).set('if-match', '*').send(body).expect(400);
    expect((await put('quota.timeZone', { value: 'Etc/UTC', overridable: true, schema: {} })).body.errors).toMatchObject([
      { pointer: '#/schema', code: 'declared-in-code' },
      { pointer: '#/overridable', code: 'declared-in-code' },
    ]);
    expect((await put('quota.timeZone', { value: 'Mars/Olympus' })).body.errors).toMatchObject([{ pointer: '#/value', code: 'format' }]);
    expect((await put('quota.resetCron', { value: 'often' })).body.errors).toMatchObject([{ pointer: '#/value', code: 'format' }]);
    expect((await put('quota.thresholds', { value: [0.5, 2] })).body.errors).toMatchObject([{ pointer: '#/value/1', code: 'maximum' }]);
    expect((await put('requests.types', { value: { 'No Good': {} } })).body.errors.map(({ pointer }: { pointer: string }) => pointer)).toContain(
      '#/value/No Good',
    );
  });

  it.each(['-leading', 'has%20space', 'sl%2Fash', '__proto__', 'x'.repeat(101), 'ümlaut'])('the key %s is refused', async (key) => {
    const { body } = await define(encodeURI(decodeURI(key)), { value: 1 }).expect(400);
    expect(body.errors).toMatchObject([{ pointer: '#/key', code: 'malformed-key' }]);
    await service
      .as(admin)
      .get(`/v1/configurations/${encodeURI(decodeURI(key))}`)
      .expect(404);
  });

  it('are refused that users may override and not see, unless they were so before and that is not what is written', async () => {
    const both = { value: 1, visibility: 'internal', overridable: true };
    const error = { pointer: '#/overridable', code: 'internal-not-overridable' };
    for (const body of [both, { value: 1, overridable: true }]) expect((await define('bad.hidden', body).expect(400)).body.errors).toMatchObject([error]);
    await define('bad.open', { ...both, visibility: 'public' }).expect(201);
    const put = (body: object) => service.as(admin).put('/v1/configurations/bad.open').set('if-match', '*').send(body);
    expect((await put({ value: 1, visibility: 'internal' }).expect(400)).body.errors).toMatchObject([error]);
    await service.sql(`UPDATE system_configurations SET visibility = 'internal' WHERE key = 'bad.open'`);
    await put({ value: 2 }).expect(200);
    await put({ value: 2, visibility: 'internal', overridable: false }).expect(200);
  });
});
