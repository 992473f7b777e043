import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('what is kept of a user', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const found = async (query: string) => {
    const { body } = await asAdmin().get(`/v1/users?${query}`).expect(200);
    return (body.items as { id: number }[]).map(({ id }) => id);
  };

  describe('externalId and metadata', () => {
    it('come with the account, and are shown and found', async () => {
      const dto = { email: 'attributes@example.com', password: PASSWORD, externalId: 'crm:4711', metadata: { plan: 'gold', seats: 5, trial: false } };
      const { body: made, headers } = await asAdmin().post('/v1/users').send(dto).expect(201);
      expect(made).toMatchObject({ externalId: 'crm:4711', metadata: dto.metadata });
      const { body: read } = await asAdmin().get(headers.location).expect(200);
      expect(read).toEqual(made);
      expect(await found('externalId=crm:4711')).toEqual([made.id]);
      for (const query of ['metadata[plan]=gold', 'metadata[seats]=5&metadata[trial]=false', 'metadata[seats]=5&externalId=crm:4711']) {
        expect(await found(query)).toEqual([made.id]);
      }
      for (const query of [
        'metadata[plan]=silver',
        'metadata[seats]=6',
        'metadata[plan]=gold&metadata[seats]=6',
        'externalId=crm',
        'metadata[plan]=gold&externalId=x',
      ]) {
        expect(await found(query)).toEqual([]);
      }
    });

    it('are null and empty without any', async () => {
      const user = await makeUser(service);
      expect((await service.as(user).get('/v1/users/me').expect(200)).body).toMatchObject({ externalId: null, metadata: {} });
    });

    it('are merged by a patch, under the tag of what was read, and audited', async () => {
      const user = await makeUser(service);
      const patch = (body: object) => asAdmin().patch(`/v1/users/${user.id}`).send(body);
      const { body: first, headers } = await patch({ metadata: { a: 1, b: { c: 2, d: 3 } }, externalId: 'ext-1', reason: 'import' }).expect(200);
      expect(first).toMatchObject({ metadata: { a: 1, b: { c: 2, d: 3 } }, externalId: 'ext-1' });
      const { body: second } = await patch({ metadata: { a: null, b: { c: null }, e: '5' } }).expect(200);
      expect(second).toMatchObject({ metadata: { b: { d: 3 }, e: '5' }, externalId: 'ext-1' });
      expect(await found('metadata[e]=5')).toEqual([user.id]);
      await patch({ metadata: { f: 1 } })
        .set('if-match', headers.etag)
        .expect(412);
      expect((await patch({ externalId: null }).expect(200)).body).toMatchObject({ externalId: null, metadata: { b: { d: 3 }, e: '5' } });
      const { body: audit } = await asAdmin().get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
      expect(audit.items.at(-1)).toMatchObject({ action: 'user.update', reason: 'import', after: { externalId: 'ext-1', 'metadata/a': 1 } });
    });

    it('are the user’s own to change, but for externalId', async () => {
      const user = await makeUser(service);
      const { body: session } = await service.as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD }).expect(200);
      const mine = () => service.as(session.accessToken as string).patch('/v1/users/me');
      expect(
        (
          await mine()
            .send({ metadata: { theme: 'dark' } })
            .expect(200)
        ).body.metadata,
      ).toEqual({ theme: 'dark' });
      const { body } = await mine().send({ externalId: 'me' }).expect(403);
      expect(body).toMatchObject({ code: 'admin-only', detail: expect.stringContaining('externalId') });
    });

    it('belong to one account: of any number who claim an externalId at once, one has it', async () => {
      const users = await Promise.all(Array.from({ length: 5 }, () => makeUser(service)));
      const answers = await Promise.all(users.map(({ id }) => asAdmin().patch(`/v1/users/${id}`).send({ externalId: 'contested' })));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
      expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'external-id-taken', errors: [{ pointer: '#/externalId' }] });
      await asAdmin().post('/v1/users').send({ email: 'second@example.com', password: PASSWORD, externalId: 'contested' }).expect(409);
    });

    it('are free and gone with the deletion', async () => {
      const user = await makeUser(service);
      await asAdmin()
        .patch(`/v1/users/${user.id}`)
        .send({ externalId: 'leaver', metadata: { of: 'leaver' } })
        .expect(200);
      await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
      expect(await found('externalId=leaver')).toEqual([]);
      expect(await found('metadata[of]=leaver')).toEqual([]);
      const other = await makeUser(service);
      await asAdmin().patch(`/v1/users/${other.id}`).send({ externalId: 'leaver' }).expect(200);
    });

    it.each([
      ['null', { metadata: null }],
      ['a list', { metadata: [] }],
      ['a text', { metadata: 'x' }],
      ['51 members', { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`m${i}`, i])) }],
      ['more than 8 kB', { metadata: { a: 'x'.repeat(8_192) } }],
      ['an empty externalId', { externalId: '' }],
      ['a number as externalId', { externalId: 5 }],
      ['an externalId of 256 characters', { externalId: 'x'.repeat(256) }],
    ])('are refused where they are not what they must be: %s', async (_, body) => {
      const user = await makeUser(service);
      const patched = await asAdmin().patch(`/v1/users/${user.id}`).send(body).expect(400);
      expect(patched.body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: `#/${Object.keys(body)[0]}` }] });
    });

    it('count together with what is there: a patch that leaves more than 50 members is refused, one that leaves 50 is not', async () => {
      const user = await makeUser(service);
      const patch = (metadata: object) => asAdmin().patch(`/v1/users/${user.id}`).send({ metadata });
      await patch(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`m${i}`, 'ä\u0001'.repeat(10)]))).expect(200);
      await patch({ one: 1 }).expect(400);
      await patch({ one: 1, m0: null }).expect(200);
    });

    it('of 8 kB with as many spaces as the database writes are stored', async () => {
      const user = await makeUser(service);
      await asAdmin()
        .patch(`/v1/users/${user.id}`)
        .send({ metadata: { a: Array.from({ length: 4_090 }, () => 1) } })
        .expect(200);
    });

    it.each([
      'metadata=gold',
      'metadata[a]=1&metadata[a]=2',
      'metadata[a]=1&metadata[b]=1&metadata[c]=1&metadata[d]=1',
      'metadata[]=1',
      'metadata[a][b]=1',
      'metadata[__proto__]=1',
      'tier[a]=x',
      'metadata[a%00]=1',
    ])('are not looked for by %s', async (query) => {
      const { body } = await asAdmin().get(`/v1/users?${query}`).expect(400);
      expect(body.code).toBe('validation-failed');
    });

    it('are found page by page, of values that many users share too', async () => {
      await service.sql(
        `WITH made AS (INSERT INTO users (email, password_hash) SELECT 'shared-' || n || '@example.com', '' FROM generate_series(10001, 40000) n RETURNING id, email)
         INSERT INTO user_attributes (user_id, metadata)
         SELECT id, jsonb_build_object('kind', 'shared', 'last', email IN ('shared-10002@example.com', 'shared-39999@example.com')) FROM made`,
      );
      const pages = async (query: string, limit: number) => {
        const seen: number[] = [];
        let cursor: string | null = null;
        do {
          const { body } = await asAdmin()
            .get(`/v1/users?${query}&limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`)
            .expect(200);
          seen.push(...(body.items as { id: number }[]).map(({ id }) => id));
          cursor = body.nextCursor as string | null;
        } while (cursor !== null && seen.length < 250);
        return seen;
      };
      const [first] = await service.sql<{ ids: number[] }>(
        `SELECT array_agg(user_id ORDER BY user_id) AS ids FROM (SELECT user_id FROM user_attributes WHERE metadata @> '{"kind": "shared"}' ORDER BY user_id LIMIT 300) a`,
      );
      expect(await pages('metadata[kind]=shared', 100)).toEqual(first?.ids);
      expect(await pages('metadata[kind]=shared&metadata[last]=true', 1)).toHaveLength(2);
      expect(await found('metadata[kind]=shared&metadata[last]=true&status=suspended')).toEqual([]);
      expect(await found('metadata[kind]=shared&status=suspended')).toEqual([]);
    });

    it('that no program may store: the database refuses what the API refuses', async () => {
      const user = await makeUser(service);
      const store = (metadata: string) => service.sql(`INSERT INTO user_attributes (user_id, metadata) VALUES ($1, $2)`, [user.id, metadata]);
      const many = JSON.stringify(Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`m${i}`, i])));
      for (const metadata of ['[]', '5', 'null', many, JSON.stringify({ a: 'x'.repeat(13_000) })]) {
        await expect(store(metadata)).rejects.toThrow('user_attributes_metadata_check');
      }
    });
  });
});
