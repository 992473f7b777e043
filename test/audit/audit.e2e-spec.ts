import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { AuditChainService } from '../../src/audit/audit-chain.service';
import { run } from '../support/command';
import { runHere } from '../support/command-here';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';

interface Event {
  id: string;
  action: string;
  actor: { kind: string; id: number | null };
  target: { kind: string; id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  reason: string | null;
  requestId: string | null;
}

interface Page {
  items: Event[];
  nextCursor: string | null;
}

describe('the audit log', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const keyOf = async ({ id }: TestUser) => (await service.sql<{ id: number }>('SELECT id FROM api_keys WHERE user_id = $1', [id]))[0].id;
  const events = async (query: string) => (await asAdmin().get(`/v1/audit-events?${query}`).expect(200)).body.items as Event[];

  it('shows who did what to whom, before, after and in which call', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const of = (action: string) => events(`targetKind=user&targetId=${user.id}&action=${action}`);
    await asAdmin().patch(`/v1/users/${user.id}`).set('x-request-id', 'call-1').send({ dailyQuota: 20, timeZone: 'Europe/Berlin' }).expect(200);
    expect(await of('user.update')).toEqual([
      {
        id: expect.any(String),
        action: 'user.update',
        actor: { kind: 'key', id: admin.id, keyId: await keyOf(admin) },
        target: { kind: 'user', id: String(user.id) },
        before: { dailyQuota: 10, timeZone: null },
        after: { dailyQuota: 20, timeZone: 'Europe/Berlin' },
        reason: null,
        requestId: 'call-1',
        createdAt: expect.stringMatching(/Z$/),
      },
    ]);
    const { accessToken } = await logIn(service, admin);
    await service.as(accessToken).put(`/v1/users/${user.id}/password`).send({ newPassword: 'another password' }).expect(204);
    expect(await of('user.password')).toMatchObject([{ actor: { kind: 'user', id: admin.id }, before: null, after: null }]);
    await asAdmin().post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'they asked nicely' }).expect(200);
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await asAdmin().put(`/v1/users/${user.id}/quota/override`).send({ dailyQuota: 99, expiresAt, reason: 'a big day' }).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}/quota/override`).expect(204);
    await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
    const all = await events(`targetId=${user.id}&limit=100`);
    expect(all.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['they asked nicely', 'a big day']));
    // It outlives the account: which address that had can be asked by who knows it, and not be read.
    const email = `sha256:${createHash('sha256').update(user.email).digest('hex')}`;
    expect(all[0]).toMatchObject({ action: 'user.delete', before: { id: user.id, dailyQuota: 20, email }, after: null });
    expect(JSON.stringify(all)).not.toContain(user.email);
    expect(all.map(({ id }) => Number(id))).toEqual(all.map(({ id }) => Number(id)).sort((a, b) => b - a));
  });

  it('holds every administrative change, and none that was refused or previewed', async () => {
    const user = await makeUser(service);
    const count = async () => (await service.sql('SELECT count(*)::int AS n FROM audit_events'))[0].n as number;
    const before = await count();
    await asAdmin().patch(`/v1/users/${user.id}`).send({ tier: 'none' }).expect(400);
    await asAdmin().patch(`/v1/users/${user.id}?dryRun=true`).send({ tier: 'pro' }).expect(200);
    await asAdmin().patch(`/v1/users/${user.id}`).set('if-match', '"old"').send({ tier: 'pro' }).expect(412);
    await asAdmin().post('/v1/users').send({ email: user.email, password: PASSWORD }).expect(409);
    expect(await count()).toBe(before);
    const { body: made } = await asAdmin().post('/v1/users').send({ email: 'made@example.com', password: PASSWORD }).expect(201);
    const { body: tier } = await asAdmin().post('/v1/tiers').send({ name: 'audited', dailyQuota: 1 }).expect(201);
    await asAdmin().patch(`/v1/tiers/${tier.id}`).send({ dailyQuota: 2 }).expect(200);
    await asAdmin().delete(`/v1/tiers/${tier.id}`).expect(204);
    const { body: key } = await asAdmin().post(`/v1/users/${made.id}/api-keys`).send({ name: 'k' }).expect(201);
    await asAdmin().post(`/v1/users/${made.id}/api-keys/${key.id}/rotate`).expect(200);
    await asAdmin().delete(`/v1/users/${made.id}/api-keys/${key.id}`).expect(204);
    expect((await events('limit=7')).map(({ action }) => action).reverse()).toEqual([
      'user.create',
      'tier.create',
      'tier.update',
      'tier.delete',
      'api-key.create',
      'api-key.rotate',
      'api-key.revoke',
    ]);
  });

  it('holds no secret', async () => {
    const user = await makeUser(service);
    const { body } = await asAdmin().post(`/v1/users/${user.id}/api-keys`).send({ name: 'canary' }).expect(201);
    const { body: next } = await asAdmin().post(`/v1/users/${user.id}/api-keys/${body.id}/rotate`).expect(200);
    await asAdmin().put(`/v1/users/${user.id}/password`).send({ newPassword: 'canary in a coal mine' }).expect(204);
    await asAdmin().post('/v1/users').set('idempotency-key', 'canary').send({ email: 'canary@example.com', password: 'canary in a coal mine' }).expect(201);
    await asAdmin().post(`/v1/users/${user.id}/api-keys`).set('idempotency-key', 'canary').send({ name: 'kept' }).expect(201);
    const tables = await service.sql<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
    for (const { name } of tables) {
      const text = JSON.stringify(await service.sql(`SELECT t::text FROM ${name} t`));
      for (const secret of [body.key, next.key, 'coal mine', user.key]) expect([name, text.includes(secret as string)]).toEqual([name, false]);
      if (name !== 'api_keys') expect([name, /qtd_[0-9A-Za-z]{9,}/.test(text)]).toEqual([name, false]);
    }
  });

  it('finds what is rare among many events, at once by what was done, and page by page by what no index has', async () => {
    await asAdmin().post('/v1/tiers').send({ name: 'rarely', dailyQuota: 5 }).expect(201);
    const [rare] = await events('action=tier.create&targetKind=tier');
    // Recorded by changes that began in another order than they ended in.
    await service.sql(
      `INSERT INTO audit_events (actor_kind, action, target_kind, target_id, created_at)
       SELECT 'system', 'bench.many', 'bench', n::text, now() - make_interval(secs => (n * 7919) % 600) FROM generate_series(1, 4500) n`,
    );
    expect(await events('action=tier.create&targetKind=tier&limit=1')).toEqual([rare]);
    const walk = async (query: string) => {
      const found: Event[] = [];
      const page = async (cursor: string) => (await asAdmin().get(`/v1/audit-events?limit=100&${query}${cursor}`).expect(200)).body as Page;
      for (let cursor = ''; cursor !== '&cursor=null';) {
        const { items, nextCursor } = await page(cursor);
        found.push(...items);
        cursor = `&cursor=${nextCursor}`;
      }
      return found.map(({ id }) => id);
    };
    expect(await walk(`targetId=${rare.target.id}&actorKind=key`)).toContain(rare.id);
    const middle = new Date(Date.now() - 300_000).toJSON();
    const [{ since, until }] = await service.sql<{ since: number; until: number }>(
      `SELECT count(*) FILTER (WHERE created_at >= $1)::integer AS since, count(*) FILTER (WHERE created_at < $1)::integer AS until FROM audit_events WHERE action = 'bench.many'`,
      [middle],
    );
    expect([(await walk(`action=bench.many&since=${middle}`)).length, (await walk(`action=bench.many&until=${middle}`)).length]).toEqual([since, until]);
  });

  it('is read page by page, by filter, and by administrators alone', async () => {
    const first = (await asAdmin().get('/v1/audit-events?limit=2&targetKind=user').expect(200)).body;
    const second = (await asAdmin().get(`/v1/audit-events?limit=2&targetKind=user&cursor=${first.nextCursor}`).expect(200)).body;
    const ids = [...first.items, ...second.items].map(({ id }: Event) => Number(id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    await asAdmin().get(`/v1/audit-events?limit=2&cursor=${first.nextCursor}`).expect(400);
    expect((await events(`actorId=${admin.id}`)).length).toBeGreaterThan(0);
    expect(await events('actorId=999999')).toEqual([]);
    for (const query of ['actorId=me', 'limit=0', 'who=1', 'action=%00']) await asAdmin().get(`/v1/audit-events?${query}`).expect(400);
    await service
      .as(await makeUser(service))
      .get('/v1/audit-events')
      .expect(403);
    await service.as().get('/v1/audit-events').expect(401);
  });

  it('keeps no one from being deleted: it outlives whom it reports', async () => {
    const other = await makeAdmin(service);
    const user = await makeUser(service);
    await service.as(other).patch(`/v1/users/${user.id}`).send({ tier: 'pro' }).expect(200);
    await asAdmin().delete(`/v1/users/${other.id}`).expect(204);
    expect((await events(`actorId=${other.id}`))[0]).toMatchObject({ action: 'user.update', actor: { id: other.id } });
  });

  it('is filtered by time, and by the key or kind of who acted', async () => {
    const user = await makeUser(service);
    const other = await makeAdmin(service);
    await service.as(other).patch(`/v1/users/${user.id}`).send({ dailyQuota: 7 }).expect(200);
    const [event] = await events(`targetId=${user.id}`);
    const { createdAt } = event as Event & { createdAt: string };
    const ids = async (query: string) => (await events(`targetId=${user.id}&${query}`)).map(({ id }) => id);
    for (const query of [`actorKeyId=${await keyOf(other)}`, 'actorKind=key', `since=${createdAt}`, 'since=2020-01-01&until=2090-01-01']) {
      expect([query, await ids(query)]).toEqual([query, [event.id]]);
    }
    for (const query of [`actorKeyId=${await keyOf(admin)}`, 'actorKind=user', `until=${createdAt}`, 'since=2090-01-01'])
      expect([query, await ids(query)]).toEqual([query, []]);
    for (const query of ['since=yesterday', 'until=2020-02-30', 'actorKind=robot', 'actorKeyId=x', 'since=2090-01-01&until=2020-01-01']) {
      await asAdmin().get(`/v1/audit-events?${query}`).expect(400);
    }
  });

  it.each([
    ['changes', `UPDATE audit_events SET reason = 'another' WHERE id = (SELECT max(id) FROM audit_events)`],
    ['removes', 'DELETE FROM audit_events WHERE id = (SELECT max(id) FROM audit_events)'],
    ['empties', 'TRUNCATE audit_events'],
    ['rewrites the chain of', 'UPDATE audit_chain SET hash = digest'],
    ['cuts the chain of', 'DELETE FROM audit_chain'],
  ])('refuses plain SQL that %s it', async (_, statement) => {
    await act();
    await chain().seal(GO_ON);
    await expect(service.sql(statement)).rejects.toMatchObject({ code: '42501' });
    expect(await chain().check()).toMatchObject({ clean: true, counts: {} });
  });

  const GO_ON = new AbortController().signal;
  const chain = () => service.app.get(AuditChainService, { strict: false });
  /** Has an administrator do something, and returns the id of its event. */
  const act = async () => {
    const user = await makeUser(service);
    await asAdmin().patch(`/v1/users/${user.id}`).send({ dailyQuota: 1, reason: 'act' }).expect(200);
    return (await events(`targetId=${user.id}`))[0].id;
  };
  /** What somebody does who may disable triggers. */
  const tamper = (statement: string) =>
    service.sql(`BEGIN; ALTER TABLE audit_events DISABLE TRIGGER USER; ALTER TABLE audit_chain DISABLE TRIGGER USER; ${statement};
      ALTER TABLE audit_events ENABLE TRIGGER USER; ALTER TABLE audit_chain ENABLE TRIGGER USER; COMMIT`);
  const copyOf = (id: string) => `INSERT INTO audit_copy SELECT * FROM audit_events WHERE id = ${id}`;

  describe.each([
    ['sealed', true],
    ['not sealed yet', false],
  ])('with events that are %s', (_, sealed) => {
    const written = async () => {
      const id = await act();
      if (sealed) await chain().seal(GO_ON);
      return id;
    };

    it('finds one that was changed, by those who may disable triggers too', async () => {
      const id = await written();
      await tamper(`UPDATE audit_events SET after = '{}' WHERE id = ${id}`);
      expect(await chain().check()).toMatchObject({ clean: false, counts: { changed: 1 }, faults: [{ kind: 'changed', eventId: id }] });
      await tamper(`UPDATE audit_events SET after = '{"dailyQuota": 1}' WHERE id = ${id}`);
      expect(await chain().check()).toMatchObject({ clean: true, faults: [] });
    });

    it('finds one that was removed', async () => {
      const id = await written();
      await service.sql('CREATE TABLE audit_copy (LIKE audit_events)');
      await tamper(`${copyOf(id)}; DELETE FROM audit_events WHERE id = ${id}`);
      expect(await chain().check()).toMatchObject({ clean: false, counts: { removed: 1 }, faults: [{ kind: 'removed', eventId: id }] });
      await tamper('INSERT INTO audit_events OVERRIDING SYSTEM VALUE SELECT * FROM audit_copy; DROP TABLE audit_copy');
      expect(await chain().check()).toMatchObject({ clean: true, faults: [] });
    });

    it('finds one that was inserted', async () => {
      const id = await written();
      await tamper(
        `INSERT INTO audit_events (actor_kind, action, target_kind, target_id) SELECT 'system', action, target_kind, target_id FROM audit_events WHERE id = ${id}`,
      );
      const { counts, faults } = await chain().check();
      expect([counts, faults.length]).toEqual([{ inserted: 1 }, 1]);
      await tamper(`DELETE FROM audit_events WHERE id = ${faults[0].eventId}`);
      expect(await chain().check()).toMatchObject({ clean: true });
    });
  });

  describe('of a release that wrote addresses out', () => {
    const BEFORE = '{"email": "Old@Example.com", "tier": "free"}';
    const redact = (...args: string[]) =>
      runHere(['audit:redact', '--yes', '--reason', 'the law', ...args], { DATABASE_URL: service.databaseUrl, NODE_ENV: 'test' });
    const written = async (userId: number) =>
      (
        await service.sql<{ id: string }>(
          `INSERT INTO audit_events (actor_kind, action, target_kind, target_id, before, after)
           VALUES ('system', 'user.update', 'user', $1, $2, '{"email": "new@example.com", "pendingEmail": null}') RETURNING id`,
          [userId, BEFORE],
        )
      )[0].id;
    const shown = async (userId: number) => events(`targetKind=user&targetId=${userId}&action=user.update`);
    const digest = (address: string) => `sha256:${createHash('sha256').update(address).digest('hex')}`;

    it.each([
      ['sealed', true],
      ['not sealed yet', false],
    ])('has digests in their place by a command, which is recorded and breaks no chain (%s)', async (_, sealed) => {
      const userId = sealed ? 900_001 : 900_002;
      const id = await written(userId);
      if (sealed) await chain().seal(GO_ON);
      const { redacted } = await chain().check();
      expect(await redact()).toMatchObject({ code: 0, stdout: '1 events were redacted.\n' });
      expect(await shown(userId)).toMatchObject([
        { before: { email: digest('old@example.com'), tier: 'free' }, after: { email: digest('new@example.com'), pendingEmail: null } },
      ]);
      expect(await events('action=audit.redact&limit=1')).toMatchObject([{ actor: { kind: 'command' }, reason: 'the law', after: { events: [{ id }] } }]);
      expect(await chain().check()).toMatchObject({ clean: true, redacted: redacted + 1 });
      expect(await redact()).toMatchObject({ code: 0, stdout: '0 events were redacted.\n' });
      // What is changed afterwards, and by nobody who recorded it, is found; a second redaction is not.
      await tamper(`UPDATE audit_events SET before = '{"tier": "pro"}' WHERE id = ${id}`);
      expect(await chain().check()).toMatchObject({ clean: false, counts: { changed: 1 }, faults: [{ eventId: id }] });
      await tamper(`UPDATE audit_events SET before = '{"email": "${digest('old@example.com')}", "tier": "free"}' WHERE id = ${id}`);
      expect(await redact('--user', String(userId))).toMatchObject({ code: 0, stdout: '1 events were redacted.\n' });
      expect(await shown(userId)).toMatchObject([{ before: null, after: null }]);
      await chain().seal(GO_ON);
      expect(await chain().check()).toMatchObject({ clean: true, redacted: redacted + 1 });
    });

    it('does not have a forgery made good by a redaction', async () => {
      const id = await written(900_003);
      await chain().seal(GO_ON);
      await tamper(`UPDATE audit_events SET before = '{"email": "forged@example.com"}' WHERE id = ${id}`);
      expect(await redact()).toMatchObject({ code: 0, stdout: '1 events were redacted.\n' });
      expect(await chain().check()).toMatchObject({ clean: false, counts: { changed: 1 }, faults: [{ eventId: id }] });
      await tamper(`UPDATE audit_events SET before = '${BEFORE}', after = '{"email": "new@example.com", "pendingEmail": null}' WHERE id = ${id}`);
      expect(await chain().check()).toMatchObject({ clean: true });
    });

    it('is not changed where nobody meant it', async () => {
      const { code, stderr } = await runHere(['audit:redact'], { DATABASE_URL: service.databaseUrl, NODE_ENV: 'test' });
      expect([code, stderr]).toEqual([1, expect.stringContaining('--yes')]);
      expect((await redact('--user', 'me')).code).toBe(2);
    });
  });

  it('finds a place of the chain that was cut out or cut off, by a head that was noted before', async () => {
    await act();
    await chain().seal(GO_ON);
    const { head } = await chain().check();
    await act();
    await chain().seal(GO_ON);
    expect(await chain().check(head)).toMatchObject({ clean: true });
    await service.sql('CREATE TABLE link_copy (LIKE audit_chain)');
    const cut = (where: string) => tamper(`INSERT INTO link_copy SELECT * FROM audit_chain WHERE ${where}; DELETE FROM audit_chain WHERE ${where}`);
    const mend = () => tamper('INSERT INTO audit_chain SELECT * FROM link_copy; DELETE FROM link_copy');
    await cut(`position = ${head.position}`);
    expect((await chain().check()).counts).toEqual({ broken: 1, inserted: 1 });
    await mend();
    await cut(`position >= ${head.position}`);
    expect((await chain().check(head)).counts).toEqual({ broken: 1, inserted: 2 });
    await mend();
    expect(await chain().check(head)).toMatchObject({ clean: true });
    await service.sql('DROP TABLE link_copy');
  });

  it('puts events into the chain as they are committed, whatever their ids, while writers wait for nobody', async () => {
    const first = new Client({ connectionString: service.databaseUrl });
    const sealing = new Client({ connectionString: service.databaseUrl });
    await Promise.all([first.connect(), sealing.connect()]);
    await first.query('BEGIN');
    const insert = `INSERT INTO audit_events (actor_kind, action, target_kind, target_id) VALUES ('system', 'test.act', 'test', '1') RETURNING id`;
    const early = (await first.query<{ id: string }>(insert)).rows[0].id;
    await sealing.query('BEGIN');
    await sealing.query('SELECT seal_audit_events(1000)');
    // A sealer that is not done, and a writer that is not: neither is in the way of this.
    const late = await act();
    await sealing.query('COMMIT');
    await chain().seal(GO_ON);
    await first.query('COMMIT');
    await Promise.all([chain().seal(GO_ON), chain().seal(GO_ON), chain().seal(GO_ON)]);
    await Promise.all([first.end(), sealing.end()]);
    const places = await service.sql<{ event: string }>(`SELECT event_id AS event FROM audit_chain WHERE event_id = ANY ($1) ORDER BY position`, [
      [early, late],
    ]);
    expect(places.map(({ event }) => event)).toEqual([late, early]);
    expect(await chain().check()).toMatchObject({ clean: true, unsealed: 0 });
  });

  it('is proved by a command, which exits with 1 when it is not what was written', async () => {
    const environment = { DATABASE_URL: service.databaseUrl, NODE_ENV: 'test' };
    const id = await act();
    const clean = await run(['audit', '--chain', '--json'], environment);
    expect([clean.code, JSON.parse(clean.stdout)]).toMatchObject([0, { clean: true, unsealed: 0, faults: [] }]);
    const { head } = JSON.parse(clean.stdout) as { head: { position: string; hash: string } };
    await tamper(`UPDATE audit_events SET reason = 'another' WHERE id = ${id}`);
    const tampered = await runHere(['audit', '--chain'], environment);
    expect([tampered.code, tampered.stdout]).toEqual([1, expect.stringContaining(`Head: ${head.position}:${head.hash}`)]);
    await tamper(`UPDATE audit_events SET reason = 'act' WHERE id = ${id}`);
    expect(await runHere(['audit', '--head', `${head.position}:${head.hash}`], environment)).toMatchObject({ code: 0 });
    expect(await runHere(['audit', '--head', `${head.position}:${'0'.repeat(64)}`], environment)).toMatchObject({ code: 1 });
    expect((await runHere(['audit', '--head', 'x'], environment)).code).not.toBe(0);
  }, 120_000);
});
