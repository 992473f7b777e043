import { get, type IncomingMessage } from 'node:http';
import { eventually } from '../support/eventually';
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

  describe('the export', () => {
    const sections = (body: Record<string, unknown>) => Object.keys(body).filter((name) => !['format', 'exportedAt', 'rows'].includes(name));
    const withEverything = async () => {
      const user = await makeUser(service);
      const { body: session } = await service.as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD }).expect(200);
      await asAdmin()
        .patch(`/v1/users/${user.id}`)
        .send({ externalId: `ext-${user.id}`, metadata: { plan: 'gold' } })
        .expect(200);
      const { body: request } = await service
        .as(user)
        .post('/v1/requests')
        .set('idempotency-key', 'once')
        .send({ type: 'x', payload: { big: 'ä' } })
        .expect(201);
      await service.sql(`INSERT INTO request_attempts (request_id, attempt, outcome, started_at) VALUES ($1, 1, 'lost', now())`, [request.id]);
      await service.sql(`INSERT INTO quota_usage (user_id, date, quota, used, requests) VALUES ($1, current_date - 3, 100, 7, 7)`, [user.id]);
      await service.sql(`INSERT INTO quota_events (user_id, date, threshold, used, quota) VALUES ($1, current_date - 3, 0.8, 80, 100)`, [user.id]);
      await service.sql(`INSERT INTO user_configurations (user_id, key, value, updated_by) VALUES ($1, 'a.b', '12345678901234567890', $2)`, [
        user.id,
        admin.id,
      ]);
      await service.sql(`INSERT INTO user_configuration_versions (user_id, key, version, content, author) VALUES ($1, 'a.b', 1, '{"value": 1}', $1)`, [
        user.id,
      ]);
      return { user, request, token: session.accessToken as string, secrets: [user.key, session.refreshToken as string] };
    };

    it('has all that is stored of the user, and no secret, as one document', async () => {
      const { user, request, token, secrets } = await withEverything();
      const { body, headers, text } = await service.as(token).get('/v1/users/me/export').expect(200);
      expect(headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'content-disposition': `attachment; filename="user-${user.id}.json"`,
      });
      expect(body).toMatchObject({
        format: 'quotidian-export-1',
        user: { id: user.id, email: user.email, createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) },
        attributes: { externalId: `ext-${user.id}`, metadata: { plan: 'gold' } },
        apiKeys: [{ name: 'test', scopes: expect.arrayContaining(['requests:write']) }],
        sessions: [{ id: expect.stringMatching(/^\d+$/) }],
        configurations: [{ key: 'a.b', updatedBy: null }],
        configurationHistory: [{ key: 'a.b', version: 1, author: user.id }],
        requests: [{ id: request.id, type: 'x', payload: { big: 'ä' }, attempts: [{ attempt: 1, outcome: 'lost' }] }],
        idempotencyKeys: [{ scope: 'requests', key: 'once', requestId: request.id }],
        usage: [{ used: 7 }],
        quotaEvents: [{ threshold: 0.8 }],
        auditEvents: [
          { action: 'user.update', actorId: null },
          { action: 'user.export', actorId: user.id },
        ],
      });
      expect(text).toContain('12345678901234567890');
      expect(body.rows).toBe(
        sections(body as object as Record<string, unknown>).reduce(
          (sum, name) => sum + (Array.isArray(body[name]) ? (body[name] as object[]).length : Number(body[name] !== null)),
          0,
        ),
      );
      for (const secret of [...secrets, '$argon2id']) expect(text).not.toContain(secret);
    });

    it('comes line by line where that is asked for', async () => {
      const { user, request, token } = await withEverything();
      const answer = await service
        .as(token)
        .get('/v1/users/me/export')
        .set('accept', 'application/x-ndjson')
        .buffer(true)
        .parse(asText as never)
        .expect(200);
      const lines = String(answer.body)
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { section: string; row: Record<string, unknown> });
      expect(answer.headers).toMatchObject({ 'content-type': 'application/x-ndjson', 'content-disposition': `attachment; filename="user-${user.id}.ndjson"` });
      expect([lines[0]?.section, lines.at(-1)]).toEqual(['begin', { section: 'end', row: { rows: lines.length - 2 } }]);
      expect(lines.find(({ section }) => section === 'requests')?.row.id).toBe(request.id);
    });

    it('of a user without anything is whole too', async () => {
      const user = await makeUser(service);
      const { body } = await asAdmin().get(`/v1/users/${user.id}/export?reason=asked`).expect(200);
      expect(body).toMatchObject({ user: { id: user.id }, attributes: null, requests: [], rows: 3 });
      const { body: audit } = await asAdmin().get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
      expect(audit.items).toMatchObject([{ action: 'user.export', reason: 'asked' }]);
    });

    it('is for the user and administrators, not for keys, not for others, and not of those who are deleted', async () => {
      const user = await makeUser(service);
      const other = await makeUser(service);
      await service.as(user).get('/v1/users/me/export').expect(403);
      await service.as().get('/v1/users/me/export').expect(401);
      const { body: session } = await service.as().post('/v1/auth/login').send({ email: other.email, password: PASSWORD }).expect(200);
      await service
        .as(session.accessToken as string)
        .get(`/v1/users/${user.id}/export`)
        .expect(404);
      await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
      await asAdmin().get(`/v1/users/${user.id}/export`).expect(404);
      expect(await service.sql(`SELECT 1 FROM audit_events WHERE action = 'user.export' AND target_id = $1`, [String(user.id)])).toEqual([]);
    });

    it('reads as the client takes it, holding no connection, once at a time, and ends with its credential', async () => {
      const { user, token } = await withEverything();
      await service.sql(
        `INSERT INTO requests (user_id, type, charged_on, status, finished_at, payload) SELECT $1, 'many', current_date, 'succeeded', now(), jsonb_build_object('text', repeat(md5(n::text), 1000)) FROM generate_series(1, 1500) n`,
        [user.id],
      );
      const reader = await openSlowly(`${service.url}/v1/users/me/export`, token);
      const { body, headers } = await asAdmin().get(`/v1/users/${user.id}/export`).expect(429);
      expect([body.code, headers['retry-after']]).toEqual(['too-many-exports', '1']);
      // As many as the pool has connections, at once: none is held by the export.
      await Promise.all(Array.from({ length: 5 }, () => asAdmin().get('/v1/users?limit=1').expect(200)));
      // Work in the background may be between two statements of its own for a moment.
      const busy = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`;
      await eventually(async () => expect(await service.sql(busy)).toEqual([]));
      expect(reader.takenBytes()).toBeLessThan(30_000_000);
      await asAdmin().patch(`/v1/users/${user.id}`).send({ status: 'suspended' }).expect(200);
      await reader.cutOff();
      await eventually(() => asAdmin().get(`/v1/users/${user.id}/export`).expect(200));
    });

    it('of many requests, larger than a batch each way, has each of them once and in order', async () => {
      const user = await makeUser(service);
      await service.sql(
        `INSERT INTO requests (user_id, type, charged_on, status, finished_at, payload) SELECT $1, 'many', current_date, 'succeeded', now(), CASE WHEN n % 300 = 0 THEN jsonb_build_object('text', repeat(md5(n::text), 20000)) ELSE '{}' END FROM generate_series(1, 901) n`,
        [user.id],
      );
      const { body } = await asAdmin().get(`/v1/users/${user.id}/export`).expect(200);
      const ids = (body.requests as { id: string }[]).map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].sort());
      expect(ids).toHaveLength(901);
    });

    it('has the deliveries of each of their webhook endpoints once and in order, more than a batch, and nobody else’s', async () => {
      const user = await makeUser(service);
      const other = await makeUser(service);
      const ids = [];
      for (const { id } of [user, other, user]) {
        const [endpoint] = await service.sql<{ id: number }>(
          `INSERT INTO webhook_endpoints (user_id, url, events, secret) VALUES ($1, 'https://example.com', '{*}', '{}') RETURNING id`,
          [id],
        );
        ids.push(endpoint.id);
        await service.sql(
          `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, subject, ordered, status, finished_at, attempts)
           SELECT $1, n, 'user.updated', $2, false, 'delivered', now(), '[{"status": 204}]' FROM generate_series(1, 300) n`,
          [endpoint.id, id],
        );
      }
      const { body } = await asAdmin().get(`/v1/users/${user.id}/export`).expect(200);
      const deliveries = body.webhookDeliveries as { endpointId: number; eventId: string; attempts: unknown }[];
      const events = Array.from({ length: 300 }, (_, i) => String(i + 1));
      expect(deliveries.map(({ endpointId, eventId }) => [endpointId, eventId])).toEqual(
        [ids[0], ids[2]].flatMap((endpointId) => events.map((eventId) => [endpointId, eventId])),
      );
      expect(deliveries[0]).toMatchObject({ eventType: 'user.updated', status: 'delivered', attempts: [{ status: 204 }] });
    });

    it('is not made for whoever asks of its header alone', async () => {
      const user = await makeUser(service);
      await asAdmin().head(`/v1/users/${user.id}/export`).expect(200);
      expect(await service.sql(`SELECT 1 FROM audit_events WHERE action = 'user.export' AND target_id = $1`, [String(user.id)])).toEqual([]);
    });
  });

  describe('the totals', () => {
    const totals = () =>
      service.sql<{ date: string; users: number; used: string }>(`SELECT date, users, requests, used, refunded FROM removed_usage ORDER BY date`);

    it('of usage outlive a user who is deleted, the day that runs too, and name nobody', async () => {
      await service.sql('DELETE FROM removed_usage');
      const users = await Promise.all([makeUser(service), makeUser(service)]);
      for (const { id } of users) {
        await service.sql(
          `INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests) SELECT $1, current_date - n, 100, n, 1, n + 1 FROM generate_series(1, 3) n`,
          [id],
        );
      }
      await service.as(users[0]).post('/v1/requests').send({ type: 'x' }).expect(201);
      await Promise.all(users.map(({ id }) => asAdmin().delete(`/v1/users/${id}`).expect(204)));
      await eventually(async () => expect(await service.sql('SELECT 1 FROM user_removals')).toEqual([]));
      const rows = await totals();
      expect(rows.map(({ date: _, ...row }) => row)).toEqual([
        { users: 2, requests: '8', used: '6', refunded: '2' },
        { users: 2, requests: '6', used: '4', refunded: '2' },
        { users: 2, requests: '4', used: '2', refunded: '2' },
        { users: 1, requests: '1', used: '1', refunded: '0' },
      ]);
    });
  });
});

const asText = (response: NodeJS.ReadableStream, done: (error: Error | null, body: string) => void): void => {
  let text = '';
  response.on('data', (chunk: Buffer) => (text += chunk.toString()));
  response.on('end', () => done(null, text));
};

/** Begins to take an answer, and takes no more of it. */
async function openSlowly(url: string, token: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${token}` } }, resolve).on('error', reject);
  });
  const closed = new Promise<void>((resolve) => response.once('aborted', resolve));
  response.on('error', () => undefined).pause();
  return {
    takenBytes: () => response.socket.bytesRead,
    /** Resolves when the service ends it before its end. */
    cutOff: async () => {
      response.resume();
      await closed;
    },
  };
}
