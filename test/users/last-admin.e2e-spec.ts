import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('administrators', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  const active = async () => (await service.sql<{ n: number }>(`SELECT count(*)::int AS n FROM users WHERE role = 'admin' AND status = 'active'`))[0]?.n;

  it.each([{ role: 'user' }, { status: 'suspended' }])('who do %j to each other 50 times at once leave one, and the losers learn why', async (change) => {
    await service.sql(`UPDATE users SET role = 'user'`);
    const two: TestUser[] = [await makeAdmin(service), await makeAdmin(service)];
    for (const one of two) for (const { as } of service.replicas) await as(one).get('/v1/users/me').expect(200);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        service.replicas[(i >> 1) % 2]
          .as(two[i % 2])
          .patch(`/v1/users/${two[1 - (i % 2)].id}`)
          .send(change),
      ),
    );
    // Those of the one who won find the work done; those of the other are refused, or come from nobody any more.
    const answered = new Set(answers.map(({ status, body }) => `${status} ${status === 200 ? '' : body.code}`.trim()));
    expect(
      [...answered].filter((line) => !['200', '409 last-admin', '403 admin-required', '403 scope-required', '401 credentials-invalid'].includes(line)),
    ).toEqual([]);
    expect(answered).toContain('409 last-admin');
    expect(await active()).toBe(1);
  });

  it.each(['HTTP', 'plain SQL'])(
    'whose role %s takes away lose what only administrators grant on every key, and a promotion gives none of it back',
    async (way) => {
      const admin = await makeAdmin(service);
      const other = await makeAdmin(service);
      const [{ id: keyId }] = (await service.sql<{ id: number }>('SELECT id FROM api_keys WHERE user_id = $1', [other.id])) as [{ id: number }];
      const claim = (replica: number) =>
        service.replicas[replica]
          .as(other)
          .post('/v1/requests/claim')
          .send({ types: ['x'] });
      const list = (replica: number) => service.replicas[replica].as(other).get('/v1/users');
      for (const replica of [0, 1]) {
        await claim(replica).expect(200);
        await list(replica).expect(200);
      }
      if (way === 'HTTP') await service.as(admin).patch(`/v1/users/${other.id}`).send({ role: 'user' }).expect(200);
      else await service.sql(`UPDATE users SET role = 'user' WHERE id = $1`, [other.id]);
      for (const replica of [0, 1]) {
        await eventually(() => claim(replica).expect(403), 1_000);
        await eventually(() => list(replica).expect(403), 1_000);
        await service.replicas[replica].as(other).get('/v1/requests').expect(200);
      }
      await service.as(admin).patch(`/v1/users/${other.id}`).send({ role: 'admin' }).expect(200);
      const { body } = await service.as(admin).get(`/v1/users/${other.id}/api-keys`).expect(200);
      expect(body.items.find(({ id }: { id: number }) => id === keyId).scopes).toEqual([
        'requests:read',
        'requests:write',
        'quota:read',
        'configurations:read',
        'configurations:write',
        'webhooks:read',
        'webhooks:write',
      ]);
      for (const replica of [0, 1]) {
        await claim(replica).expect(403);
        await list(replica).expect(403);
      }
    },
  );

  it('leave their grants to others when they go: a plain user keeps the service key that an administrator gave', async () => {
    const admin = await makeAdmin(service);
    const granter = await makeAdmin(service);
    const worker = await makeUser(service);
    const { body } = await service
      .as(granter)
      .post(`/v1/users/${worker.id}/api-keys`)
      .send({ name: 'w', scopes: ['worker'] })
      .expect(201);
    await service.as(admin).patch(`/v1/users/${granter.id}`).send({ role: 'user' }).expect(200);
    await service
      .as(body.key as string)
      .post('/v1/requests/claim')
      .send({ types: ['x'] })
      .expect(200);
  });
});
