import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeSetting } from '../support/settings';
import { inTransaction } from '../support/waiting';

const URL = 'https://hooks.example.com/quotidian';

describe('webhook endpoints', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());
  beforeEach(async () => (user = await makeUser(service)));

  const make = async (by: TestUser, body: object = {}) =>
    (
      await service
        .as(by)
        .post('/v1/webhook-endpoints')
        .send({ url: URL, events: ['*'], ...body })
        .expect(201)
    ).body;

  it('show their secret once, and keep it sealed', async () => {
    const { body, headers } = await service
      .as(user)
      .post('/v1/webhook-endpoints')
      .send({ url: `${URL}?a=1`, events: ['request.*', 'quota.exhausted'], ordered: true, description: 'mine' })
      .expect(201);
    expect(body).toEqual({
      id: expect.any(Number),
      userId: user.id,
      url: `${URL}?a=1`,
      events: ['request.*', 'quota.exhausted'],
      scope: 'own',
      ordered: true,
      enabled: true,
      description: 'mine',
      disabledReason: null,
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    expect(headers.location).toBe(`/v1/webhook-endpoints/${body.id}`);
    const { secret, ...rest } = body;
    const read = await service.as(user).get(headers.location).expect(200);
    expect([read.body, read.headers.etag]).toEqual([rest, headers.etag]);
    const stored = await service.sql(
      `SELECT to_jsonb(e)::text AS text FROM webhook_endpoints e UNION ALL SELECT to_jsonb(a)::text FROM audit_events a WHERE target_kind = 'webhook-endpoint'`,
    );
    expect(stored.length).toBeGreaterThan(1);
    expect(JSON.stringify(stored)).not.toContain(secret.slice(6));
    expect(JSON.stringify((await service.as(user).get('/v1/webhook-endpoints')).body)).not.toContain(secret.slice(6));
  });

  it.each<[unknown, string]>([
    ['nonsense', 'malformed-url'],
    ['', 'malformed-url'],
    ['//example.com', 'malformed-url'],
    ['https://exa mple.com', 'malformed-url'],
    ['https://example.com\n/', 'malformed-url'],
    ['https://exämple.com', 'malformed-url'],
    ['https:\\\\example.com', 'malformed-url'],
    ['https://example.com:99999', 'malformed-url'],
    [`https://example.com/${'x'.repeat(9_000)}`, 'max-length'],
    ['http://example.com', 'https-required'],
    ['ftp://example.com', 'https-required'],
    ['file:///etc/passwd', 'https-required'],
    ['javascript:alert(1)', 'https-required'],
    ['https://user@example.com', 'credentials-in-url'],
    ['https://user:password@example.com', 'credentials-in-url'],
    ['https://@example.com', 'credentials-in-url'],
    ['https://example.com#x', 'fragment-in-url'],
    ...[21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 993, 995, 3306, 5432, 6379, 9200, 11211].map((port): [string, string] => [
      `https://example.com:${port}`,
      'port-not-allowed',
    ]),
    ['https://127.0.0.1', 'address-not-allowed'],
    ['https://0x7f.1', 'address-not-allowed'],
    ['https://2130706433', 'address-not-allowed'],
    ['https://[::ffff:10.0.0.1]', 'address-not-allowed'],
    ['https://169.254.169.254/latest/meta-data', 'address-not-allowed'],
    ['https://localhost', 'address-not-allowed'],
    [17, 'is-string'],
    [null, 'is-string'],
  ])('are not made with the URL %s: %s', async (url, code) => {
    const { body } = await service
      .as(user)
      .post('/v1/webhook-endpoints')
      .send({ url, events: ['*'] })
      .expect(400);
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain('#/url');
    expect(body.errors.map((error: { code: string }) => error.code)).toContain(code);
    const { id } = await make(user);
    await service.as(user).patch(`/v1/webhook-endpoints/${id}`).send({ url }).expect(400);
  });

  it.each([
    [{ events: ['request.exploded'] }, '#/events'],
    [{ events: ['request.'] }, '#/events'],
    [{ events: [] }, '#/events'],
    [{ events: ['*', '*'] }, '#/events'],
    [{ events: 'request.*' }, '#/events'],
    [{ scope: 'some' }, '#/scope'],
    [{ ordered: 'yes' }, '#/ordered'],
    [{ description: 'x'.repeat(201) }, '#/description'],
    [{ secret: 'whsec_x' }, '#/secret'],
  ])('are not made with %j', async (body, pointer) => {
    const answer = await service
      .as(user)
      .post('/v1/webhook-endpoints')
      .send({ url: URL, events: ['*'], ...body })
      .expect(400);
    expect(answer.body.errors[0].pointer).toMatch(pointer);
  });

  it('of somebody else are not there', async () => {
    const { id } = await make(await makeUser(service));
    const operators = await make(admin, { scope: 'all' });
    for (const foreign of [id, operators.id, 0, 'x', 2_147_483_648]) {
      const path = `/v1/webhook-endpoints/${foreign}`;
      await service.as(user).get(path).expect(404);
      await service.as(user).patch(path).send({ enabled: false }).expect(404);
      await service.as(user).post(`${path}/rotate-secret`).expect(404);
      await service.as(user).delete(path).expect(404);
    }
    expect((await service.as(user).get('/v1/webhook-endpoints').expect(200)).body).toEqual({ items: [], nextCursor: null });
    await service.as(user).get('/v1/webhook-endpoints?scope=all').expect(403);
    await service.as(user).get(`/v1/webhook-endpoints?userId=${admin.id}`).expect(403);
    await service.as(admin).get(`/v1/webhook-endpoints/${id}`).expect(200);
  });

  it('for everybody’s events are the operator’s: any administrator’s, and no user’s', async () => {
    const refused = await service
      .as(user)
      .post('/v1/webhook-endpoints')
      .send({ url: URL, events: ['*'], scope: 'all' })
      .expect(403);
    expect(refused.body.code).toBe('admin-only');
    const { id, userId, scope } = await make(admin, { scope: 'all' });
    expect([userId, scope]).toEqual([null, 'all']);
    const other = await makeAdmin(service);
    await service.as(other).patch(`/v1/webhook-endpoints/${id}`).send({ description: 'ours' }).expect(200);
    const listed = await service.as(other).get('/v1/webhook-endpoints?scope=all').expect(200);
    expect(listed.body.items.map((item: { id: number }) => item.id)).toContain(id);
    expect((await service.as(other).get(`/v1/webhook-endpoints?scope=all&userId=${user.id}`).expect(200)).body.items).toEqual([]);
  });

  it('are listed newest first, page by page', async () => {
    const ids = [];
    for (let i = 0; i < 3; i++) ids.unshift((await make(user)).id);
    const first = (await service.as(user).get('/v1/webhook-endpoints?limit=2').expect(200)).body;
    const second = (await service.as(user).get(`/v1/webhook-endpoints?limit=2&cursor=${first.nextCursor}`).expect(200)).body;
    expect([...first.items, ...second.items].map((item: { id: number }) => item.id)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
    expect((await service.as(admin).get(`/v1/webhook-endpoints?userId=${user.id}`).expect(200)).body.items).toEqual([...first.items, ...second.items]);
  });

  it('are bounded per user, however many come at once', async () => {
    await writeSetting(service, admin, 'webhooks.maxPerUser', 3);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        service
          .as(user)
          .post('/v1/webhook-endpoints')
          .send({ url: URL, events: ['*'] }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.code).toBe('too-many-webhook-endpoints');
    await writeSetting(service, admin, 'webhooks.maxPerUser', 20);
  });

  it('change under If-Match, and show why they are disabled', async () => {
    const { id } = await make(user);
    const path = `/v1/webhook-endpoints/${id}`;
    const { etag } = (await service.as(user).get(path)).headers;
    const off = await service.as(user).patch(path).set('if-match', etag).send({ enabled: false, reason: 'moving house' }).expect(200);
    expect(off.body).toMatchObject({ enabled: false, disabledReason: 'by-owner' });
    await service.as(user).patch(path).set('if-match', etag).send({ enabled: true }).expect(412);
    const on = await service
      .as(user)
      .patch(path)
      .set('if-match', off.headers.etag)
      .send({ enabled: true, events: ['quota.*'] })
      .expect(200);
    expect(on.body).toMatchObject({ enabled: true, disabledReason: null, events: ['quota.*'] });
    await service.as(user).delete(path).set('if-match', etag).expect(412);
    await service.as(user).delete(path).set('if-match', on.headers.etag).expect(204);
    await service.as(user).get(path).expect(404);
    const { items } = (await service.as(admin).get(`/v1/audit-events?targetKind=webhook-endpoint&targetId=${id}`).expect(200)).body;
    expect(items.map(({ action, reason }: { action: string; reason: string | null }) => [action, reason])).toEqual([
      ['webhook-endpoint.delete', null],
      ['webhook-endpoint.update', null],
      ['webhook-endpoint.update', 'moving house'],
      ['webhook-endpoint.create', null],
    ]);
  });

  it('made or rotated under an Idempotency-Key never show their secret again', async () => {
    const create = () =>
      service
        .as(user)
        .post('/v1/webhook-endpoints')
        .set('idempotency-key', 'one')
        .send({ url: URL, events: ['*'] })
        .expect(201);
    const first = await create();
    const second = await create();
    expect(second.body).toEqual({ ...first.body, secret: null });
    expect(second.headers).toMatchObject({ 'idempotency-replayed': 'true', location: first.headers.location, etag: first.headers.etag });
    const rotate = () => service.as(user).post(`${first.headers.location}/rotate-secret`).set('idempotency-key', 'two').expect(200);
    const rotated = await rotate();
    const again = await rotate();
    expect(rotated.body).toEqual({ secret: expect.stringMatching(/^whsec_/), previousExpiresAt: expect.stringMatching(/Z$/) });
    expect(rotated.body.secret).not.toBe(first.body.secret);
    expect(again.body).toEqual({ ...rotated.body, secret: null });
    const kept = JSON.stringify(await service.sql(`SELECT response_body FROM idempotency_keys WHERE user_id = $1`, [user.id]));
    for (const { secret } of [first.body, rotated.body]) expect(kept).not.toContain(secret.slice(6));
  });

  it('are gone with their user', async () => {
    const { id } = await make(user);
    // Whose rows somebody holds is removed later, and is gone from every answer all the same.
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM webhook_endpoints WHERE id = $1 FOR UPDATE', [id]);
      await service.as(admin).delete(`/v1/users/${user.id}`).expect(204);
      await service.as(admin).get(`/v1/webhook-endpoints/${id}`).expect(404);
      await service.as(admin).get(`/v1/webhook-endpoints/${id}/deliveries`).expect(404);
      const { body } = await service.as(admin).get(`/v1/webhook-endpoints?userId=${user.id}`).expect(200);
      expect(body.items).toEqual([]);
    });
  });
});
