import { Client } from 'pg';
import { run } from '../support/command';
import { createDatabase } from '../support/databases';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('what operators do beside changing things', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const events = async (query: object) => (await service.as(admin).get('/v1/audit-events').query(query).expect(200)).body.items as unknown[];
  const keyOf = async ({ id }: TestUser) => (await service.sql<{ id: number }>('SELECT id FROM api_keys WHERE user_id = $1', [id]))[0].id;
  const submit = async (user: TestUser) => (await service.as(user).post('/v1/requests').send({ type: 'report' }).expect(201)).body.id as string;

  it('is in the audit log where they cancel somebody’s request, once, with what became of it', async () => {
    const user = await makeUser(service);
    const id = await submit(user);
    const { body } = await service.as(admin).post(`/v1/requests/${id}/cancel?reason=stuck`).set('x-request-id', 'stop').expect(200);
    expect(body).toMatchObject({ status: 'canceled', refunded: 1, userId: user.id });
    await service.as(admin).post(`/v1/requests/${id}/cancel`).expect(409);
    const before = { status: 'pending' };
    const after = { status: 'canceled', userId: user.id, refunded: 1 };
    const actor = { kind: 'key', id: admin.id, keyId: await keyOf(admin) };
    expect(await events({ targetKind: 'request', targetId: id })).toEqual([
      expect.objectContaining({ action: 'request.cancel', actor, before, after, requestId: 'stop', reason: 'stuck', target: { kind: 'request', id } }),
    ]);
    expect((await service.as(user).get('/v1/users/me/quota').expect(200)).body).toMatchObject({ used: 0 });
  });

  it('is within the cap on refunds, as any cancel', async () => {
    const user = await makeUser(service);
    const ids = [await submit(user), await submit(user)];
    await service.as(admin).put('/v1/configurations/quota.refundDailyCap').set('if-match', '*').send({ value: 1 }).expect(200);
    const refunded = [];
    for (const id of ids) refunded.push((await service.as(admin).post(`/v1/requests/${id}/cancel`).expect(200)).body.refunded);
    await service.as(admin).delete('/v1/configurations/quota.refundDailyCap').set('if-match', '*').expect(204);
    expect(refunded).toEqual([1, 0]);
    expect(await events({ targetKind: 'request', targetId: ids[1] })).toMatchObject([{ after: { status: 'canceled', refunded: 0 } }]);
  });

  it('is not, where users or administrators cancel their own', async () => {
    for (const who of [await makeUser(service), admin]) {
      const id = await submit(who);
      await service.as(who).post(`/v1/requests/${id}/cancel`).expect(200);
      expect(await events({ targetKind: 'request', targetId: id })).toEqual([]);
    }
  });

  it('is in the audit log where they run a job', async () => {
    await service.as(admin).post('/v1/jobs/quota-reset/run').set('x-request-id', 'now').expect(200);
    const [{ id }] = await service.sql<{ id: string }>('SELECT id FROM job_runs ORDER BY id DESC LIMIT 1');
    expect(await events({ targetKind: 'job', targetId: 'quota-reset' })).toEqual([
      expect.objectContaining({
        action: 'job.run',
        actor: { kind: 'key', id: admin.id, keyId: await keyOf(admin) },
        after: { run: String(id) },
        requestId: 'now',
      }),
    ]);
  });

  it.each([
    ['quota:reset', 'job.run', 'job'],
    ['secrets:rotate', 'secrets.rotate', 'secrets'],
  ])('is in the audit log as a command’s where it is by %s', async (command, action, targetKind) => {
    const { code, stderr } = await run([command, '--json'], {
      NODE_ENV: 'test',
      DATABASE_URL: service.databaseUrl,
      JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
    });
    expect([code, stderr]).toEqual([0, '']);
    expect((await events({ targetKind, action }))[0]).toMatchObject({ action, actor: { kind: 'command', id: null } });
  });

  it('is in the audit log as a command’s where it is by migrate, once for all that was to be done', async () => {
    const empty = await createDatabase(null);
    for (let i = 0; i < 2; i++) expect((await run(['migrate'], { DATABASE_URL: empty.url })).code).toBe(0);
    const client = new Client({ connectionString: empty.url });
    await client.connect();
    const { rows } = await client.query("SELECT actor_kind, target_kind, jsonb_array_length(after -> 'migrations') > 20 AS lists FROM audit_events");
    await client.end();
    await empty.drop();
    expect(rows).toEqual([{ actor_kind: 'command', target_kind: 'database', lists: true }]);
  });
});
