import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

describe('writers of one setting', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const system = (key: string) => `/v1/configurations/${key}`;
  const own = (key: string) => `/v1/users/${user.id}/configurations/${key}`;
  const overridable = { value: 0, visibility: 'public', overridable: true };
  const numbers = async (table: string, key: string) =>
    (await service.sql<{ version: number }>(`SELECT version FROM ${table} WHERE key = $1 ORDER BY version`, [key])).map(({ version }) => version);

  it('state what they replace, by a tag that a compressing proxy weakened too: 428 without, 412 when it is not so, with the ETag of now', async () => {
    await defineKey(service, admin, 'pre', overridable);
    for (const path of [system('pre'), own('pre')]) {
      const { headers } = await service.as(admin).get(path).expect(200);
      for (const refused of [await service.as(admin).put(path).send({ value: 1 }), await service.as(admin).delete(path)]) {
        expect(refused.status).toBe(428);
        expect(refused.body).toMatchObject({ code: 'precondition-required' });
        expect(refused.headers.etag).toBe(headers.etag);
      }
      for (const stale of ['"0"', '"nonsense"', 'W/"0"', 'W/*', headers.etag.replaceAll('"', '')]) {
        const refused = await service.as(admin).put(path).set('if-match', stale).send({ value: 1 }).expect(412);
        expect(refused.body).toMatchObject({ code: 'precondition-failed' });
        expect(refused.headers.etag).toBe(headers.etag);
        await service.as(admin).delete(path).set('if-match', stale).expect(412);
      }
      await service.as(admin).put(path).set('if-match', `"x", W/${headers.etag}`).send({ value: 1 }).expect(200);
      await service.as(admin).put(path).set('if-match', headers.etag).send({ value: 2 }).expect(412);
      expect((await service.as(admin).get(path)).body.value).toBe(1);
    }
  });

  it('create with If-None-Match: *, once', async () => {
    await service.as(admin).put(system('new')).set('if-none-match', '*').send(overridable).expect(201);
    await service.as(admin).put(system('new')).set('if-none-match', '*').send(overridable).expect(412);
    await service.as(admin).put(system('absent')).set('if-match', '*').send({ value: 1 }).expect(412);
    await service
      .as(admin)
      .put(system('quota.thresholds'))
      .set('if-none-match', '*')
      .send({ value: [0.9] })
      .expect(200);
    await service
      .as(admin)
      .put(system('quota.thresholds'))
      .set('if-none-match', '*')
      .send({ value: [0.8] })
      .expect(412);
    await service.as(user).put(own('new')).set('if-none-match', '*').send({ value: 1 }).expect(200);
    await service.as(user).put(own('new')).set('if-none-match', '*').send({ value: 2 }).expect(412);
  });

  it('are reported that a user’s value is stale when the system’s side of it changed', async () => {
    await defineKey(service, admin, 'sides', overridable);
    const { headers } = await service.as(user).get(own('sides'));
    await writeKey(service, admin, 'sides', { value: 1, bounds: { maximum: 5 } });
    await service.as(user).put(own('sides')).set('if-match', headers.etag).send({ value: 1 }).expect(412);
  });

  it('with the same ETag: one gets through, the others 412', async () => {
    await defineKey(service, admin, 'race', overridable);
    for (const path of [system('race'), own('race')]) {
      const { headers } = await service.as(admin).get(path);
      const answers = await Promise.all(
        [1, 2, 3, 4].map((value) => service.replicas[value % 2].as(admin).put(path).set('if-match', headers.etag).send({ value })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
      const winner = answers.find(({ status }) => status === 200)!;
      expect((await service.as(admin).get(path)).body.value).toBe(winner.body.value);
    }
  });

  it('64 at once lose no version: each write is one in the history', async () => {
    await defineKey(service, admin, 'crowd', overridable);
    await writeKey(service, admin, 'configurations.keptOwnVersions', { value: 100 });
    for (const path of [system('crowd'), own('crowd')]) {
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, value) =>
          service.replicas[value % 2]
            .as(admin)
            .put(path)
            .set('if-match', '*')
            .send({ value, reason: `writer ${value}` }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
    expect(await numbers('system_configuration_versions', 'crowd')).toEqual(Array.from({ length: 65 }, (_, i) => i + 1));
    expect(await numbers('user_configuration_versions', 'crowd')).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    for (const table of ['system_configuration_versions', 'user_configuration_versions']) {
      const [{ reasons }] = (await service.sql<{ reasons: number }>(
        `SELECT count(DISTINCT reason)::int AS reasons FROM ${table} WHERE key = 'crowd' AND reason LIKE 'writer %'`,
      )) as [{ reasons: number }];
      expect(reasons).toBe(64);
    }
    const [row] = await service.sql(
      `SELECT c.value = v.content -> 'value' AS same, c.version FROM system_configurations c JOIN system_configuration_versions v USING (key, version) WHERE key = 'crowd'`,
    );
    expect(row).toEqual({ same: true, version: 65 });
  });

  it('24 at once that read, write and try again all get through', async () => {
    await defineKey(service, admin, 'retry', { value: 0 });
    const increment = async (replica: Service['replicas'][number]): Promise<void> => {
      for (;;) {
        const { body, headers } = await replica.as(admin).get(system('retry')).expect(200);
        const { status } = await replica
          .as(admin)
          .put(system('retry'))
          .set('if-match', headers.etag)
          .send({ value: body.value + 1 });
        if (status === 200) return;
        expect(status).toBe(412);
      }
    };
    await Promise.all(Array.from({ length: 24 }, (_, i) => increment(service.replicas[i % 2])));
    expect((await service.as(admin).get(system('retry'))).body).toMatchObject({ value: 24, version: 25 });
    // Some three hundred writes, all but 24 of them too late.
  }, 60_000);
});
