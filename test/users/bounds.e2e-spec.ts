import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { defineKey, writeKey } from '../support/settings';

describe('what one user may keep and write', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const session = async () => {
    const user = await makeUser(service);
    return { user, token: (await logIn(service, user)).accessToken };
  };
  const rows = async (table: string, id: number) => (await service.sql(`SELECT 1 FROM ${table} WHERE user_id = $1`, [id])).length;

  it('is as many API keys as the setting states, though many are made at once on two replicas', async () => {
    await writeKey(service, admin, 'apiKeys.maxPerUser', { value: 10 });
    const { user, token } = await session();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        service.replicas[i % 2]
          .as(token)
          .post('/v1/users/me/api-keys')
          .send({ name: `k${i}` }),
      ),
    );
    // The one that it came with counts too.
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(9);
    for (const { body } of answers.filter(({ status }) => status !== 201)) expect(body).toMatchObject({ status: 409, code: 'too-many-api-keys' });
    expect(await rows('api_keys', user.id)).toBe(10);
    const [made] = answers.flatMap(({ status, body }) => (status === 201 ? [body as { id: number }] : []));
    await service
      .as(token)
      .delete(`/v1/users/me/api-keys/${made?.id ?? 0}`)
      .expect(204);
    await service.as(token).post('/v1/users/me/api-keys').send({ name: 'again' }).expect(201);
    await service.as(admin).post(`/v1/users/${user.id}/api-keys`).send({ name: 'by an administrator' }).expect(409);
  });

  it('is a hundred keys that were revoked: requests keep the ids of those that were forgotten', async () => {
    const { user, token } = await session();
    const { body: oldest } = await service.as(token).post('/v1/users/me/api-keys').send({ name: 'oldest' }).expect(201);
    const { body: request } = await service
      .as(oldest.key as string)
      .post('/v1/requests')
      .send({ type: 'x' })
      .expect(201);
    await service
      .as(token)
      .delete(`/v1/users/me/api-keys/${oldest.id as number}`)
      .expect(204);
    await service.sql(
      `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, revoked_at)
       SELECT $1::integer, 'k', 'k', sha256(('revoked ' || $1::integer || n)::bytea), '{}', now() + n * interval '1 ms' FROM generate_series(1, 300) n`,
      [user.id],
    );
    const { body: last } = await service.as(token).post('/v1/users/me/api-keys').send({ name: 'last' }).expect(201);
    await service
      .as(token)
      .delete(`/v1/users/me/api-keys/${last.id as number}`)
      .expect(204);
    // The one that it came with, and the revoked.
    expect(await rows('api_keys', user.id)).toBe(101);
    const [kept] = await service.sql('SELECT api_key_id AS id FROM requests WHERE id = $1', [request.id]);
    expect(kept).toEqual({ id: oldest.id });
    await service
      .as(token)
      .post(`/v1/requests/${request.id as string}/cancel`)
      .expect(200);
  });

  it('is as many versions of a value of their own as the setting states, and the newest is in force', async () => {
    await writeKey(service, admin, 'configurations.keptOwnVersions', { value: 5 });
    await defineKey(service, admin, 'bounds.size', { value: 0, schema: { type: 'integer' }, visibility: 'public', overridable: true });
    const { user, token } = await session();
    for (let value = 1; value <= 12; value++) {
      await service.as(token).put('/v1/users/me/configurations/bounds.size').set('if-match', '*').send({ value }).expect(200);
    }
    expect(await rows('user_configuration_versions', user.id)).toBe(5);
    const { body: history } = await service.as(token).get('/v1/users/me/configurations/bounds.size/history?limit=3').expect(200);
    const { body: older } = await service.as(token).get(`/v1/users/me/configurations/bounds.size/history?limit=3&cursor=${history.nextCursor}`).expect(200);
    const versions = [...history.items, ...older.items].map(({ version }: { version: number }) => version);
    expect([versions, older.nextCursor]).toEqual([[12, 11, 10, 9, 8], null]);
    const { body } = await service.as(token).get('/v1/users/me/configurations/bounds.size').expect(200);
    expect(body).toMatchObject({ value: 12, version: 12 });
  });

  describe('in a minute', () => {
    beforeAll(() => writeKey(service, admin, 'http.writesPerMinute', { value: 10 }));

    it('is as many changes as the setting states, of every kind together; reads and what is charged go on', async () => {
      const { user, token } = await session();
      const write = (i: number) =>
        [
          () => service.as(token).patch('/v1/users/me').send({ timeZone: 'Europe/Berlin' }),
          () => service.as(token).put('/v1/users/me/configurations/bounds.size').set('if-match', '*').send({ value: i }),
          () => service.as(token).post('/v1/users/me/api-keys').set('idempotency-key', `k${i}`).send({ name: 'x' }),
          () => service.as(token).put('/v1/users/me/password').send({ currentPassword: 'wrong', newPassword: 'long enough' }),
          () => service.as(token).delete('/v1/users/me/api-keys/2147483647'),
        ][i % 5]?.();
      for (let i = 0; i < 10; i++) expect((await write(i)).status).not.toBe(429);
      for (let i = 10; i < 15; i++) {
        const { body, headers } = await write(i).expect(429);
        expect(body.code).toBe('too-many-writes');
        expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      await service.as(token).get('/v1/users/me').expect(200);
      for (let i = 0; i < 15; i++) await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
      await service.as(user).post('/v1/authorize').expect(204);
      const { body } = await service
        .as(user)
        .post('/v1/requests/batch')
        .send({ items: [{ type: 'x' }] })
        .expect(200);
      await service
        .as(user)
        .post(`/v1/requests/${body.items[0].request.id as string}/cancel`)
        .expect(200);
    });

    it('does not hold administrators, nor one user for another', async () => {
      const { user, token } = await session();
      for (let i = 0; i < 15; i++) await service.as(admin).patch(`/v1/users/${user.id}`).send({ dailyQuota: i }).expect(200);
      await service.as(token).patch('/v1/users/me').send({ timeZone: 'Europe/Berlin' }).expect(200);
    });
  });
});
