import { ApplyService } from '../../src/apply/apply.service';
import { readServiceDocument } from '../../src/apply/service-document';
import { SettingsApplyService } from '../../src/configurations/settings-apply.service';
import { readDocument } from '../../src/configurations/settings-document';
import { SettingsService } from '../../src/settings/settings.service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey } from '../support/settings';
import { eventually } from '../support/eventually';
import { dumpOf } from '../support/tables';

describe('applying a file of settings', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const actor = { kind: 'command', id: null, requestId: null } as const;
  const apply = (text: string, options: { dryRun?: boolean; prune?: boolean } = {}, replica = 0) =>
    service.replicas[replica].app.get(SettingsApplyService).apply(actor, readDocument(text), { dryRun: false, prune: false, reason: 'test', ...options });
  const get = async (key: string) => (await service.as(admin).get(`/v1/configurations/${key}`)).body;

  it('takes a secret’s value from the environment, once, and shows it to nobody', async () => {
    const text = 'settings:\n  env.token:\n    visibility: secret\n    valueFromEnv: TEST_SETTING_TOKEN\n';
    await expect(apply(text)).rejects.toMatchObject({ response: { detail: expect.stringContaining('names TEST_SETTING_TOKEN, which is not set') } });
    process.env.TEST_SETTING_TOKEN = 'canary-env';
    const changes = await apply(text);
    expect(changes).toEqual([
      {
        key: 'env.token',
        action: 'create',
        changes: [
          { pointer: '#/value', after: '(secret)' },
          { pointer: '#/visibility', before: 'internal', after: 'secret' },
        ],
        overridesOutOfBounds: 0,
      },
    ]);
    expect(await apply(text)).toEqual([]);
    process.env.TEST_SETTING_TOKEN = 'canary-other';
    expect((await apply(text))[0]?.changes).toEqual([{ pointer: '#/value', before: '(secret)', after: '(secret)' }]);
    delete process.env.TEST_SETTING_TOKEN;
    expect(service.app.get(SettingsService).secret('env.token')).toBe('canary-other');
    expect(await apply('settings:\n  env.token:\n    visibility: secret\n    description: New.\n')).toHaveLength(1);
    expect(service.app.get(SettingsService).secret('env.token')).toBe('canary-other');
    expect(await dumpOf(service)).not.toContain('canary');
  });

  it('makes a setting all of what the file states, also what it leaves out', async () => {
    await defineKey(service, admin, 'whole', {
      value: 1,
      description: 'Old.',
      visibility: 'public',
      overridable: true,
      bounds: { maximum: 3 },
      schema: { type: 'integer' },
      unit: 'pieces',
    });
    await apply('settings:\n  whole:\n    value: 2\n');
    expect(await get('whole')).toMatchObject({
      value: 2,
      description: '',
      visibility: 'internal',
      overridable: false,
      bounds: null,
      schema: null,
      unit: null,
      version: 2,
    });
  });

  it('tries everything in a dry run, and leaves nothing of it', async () => {
    // What was recorded before is handed on behind the calls that did it.
    await eventually(async () => {
      const [{ left }] = await service.sql<{ left: number }>(
        `SELECT (SELECT count(*) FROM events WHERE position IS NULL)::integer
           + (SELECT count(*) FROM event_cursors WHERE position < (SELECT max(position) FROM events))::integer AS left`,
      );
      return left === 0;
    });
    const before = await dumpOf(service);
    expect(await apply('settings:\n  quota.timeZone:\n    value: Asia/Tokyo\n', { dryRun: true, prune: true })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: 'quota.timeZone', action: 'create' }),
        expect.objectContaining({ key: 'whole', action: 'delete' }),
      ]),
    );
    await expect(apply('settings:\n  quota.timeZone:\n    value: 1\n', { dryRun: true })).rejects.toThrow();
    expect(await dumpOf(service)).toBe(before);
  });

  it('comes to one of two files when both are applied at once', async () => {
    const file = (value: string) => `settings:\n${['c', 'a', 'b'].map((key) => `  both.${key}:\n    value: ${value}\n`).join('')}`;
    for (let round = 0; round < 5; round++) {
      await Promise.all([apply(file(`x${round}`), {}, 0), apply(file(`y${round}`), {}, 1)]);
      const values = await Promise.all(['both.a', 'both.b', 'both.c'].map(async (key) => (await get(key)).value));
      expect(new Set(values).size).toBe(1);
    }
  });

  it('needs no approval, outdates what waits for one, and makes what is due first', async () => {
    await defineKey(service, admin, 'waits.here', { value: 1 });
    await apply('settings:\n  configurations.approvalRequired: { value: true }\n');
    const path = '/v1/configurations/waits.here/changes';
    const { body } = await service.as(admin).post(path).set('if-match', '*').send({ value: 2 }).expect(201);
    const dry = await apply('settings:\n  waits.here: { value: 3 }\n', { dryRun: true }, 1);
    expect(dry).toMatchObject([{ key: 'waits.here', action: 'update' }]);
    expect((await service.as(admin).get(`${path}/${body.id}`)).body.status).toBe('proposed');
    await apply('settings:\n  waits.here: { value: 3 }\n', {}, 1);
    expect((await service.as(admin).get(`${path}/${body.id}`)).body).toMatchObject({ status: 'stale', endedBy: null });
    await apply('settings:\n  configurations.approvalRequired: { value: false }\n');
    const [{ id }] = (await service.sql<{ id: number }>(
      `INSERT INTO system_configuration_changes (key, base_version, content, status, requires_approval, effective_at, author)
       VALUES ('waits.here', 2, '{"value": 4}', 'approved', false, now() - interval '1 second', $1) RETURNING id`,
      [admin.id],
    )) as [{ id: number }];
    expect(await apply('settings:\n  waits.here: { value: 4 }\n')).toEqual([]);
    expect((await service.as(admin).get(`${path}/${id}`)).body).toMatchObject({ status: 'applied', version: 3 });
  });

  describe('with plans and webhook endpoints', () => {
    const whole = (text: string, { prune = false, check = () => undefined, replica = 0 } = {}) =>
      service.replicas[replica].app.get(ApplyService).apply(actor, readServiceDocument(text), { prune, reason: 'test' }, check);
    const state = async () =>
      JSON.stringify(
        await Promise.all(
          ['subscription_tiers', 'system_configurations', 'webhook_endpoints', 'audit_events'].map((table) => service.sql(`SELECT * FROM ${table} ORDER BY 1`)),
        ),
      );

    it('does nothing of a document of which something is refused, whichever part, and names each place', async () => {
      await whole('tiers:\n  used: { dailyQuota: 5 }\n');
      await makeUser(service, { tier: 'used' });
      const before = await state();
      const wrong: [string, string[]][] = [
        [
          'tiers:\n  good: { dailyQuota: 1 }\n  bad: { dailyQuota: -1 }\nsettings:\n  quota.timeZone: { value: Mars }\n',
          ['#/tiers/bad/dailyQuota', '#/settings/quota.timeZone/value'],
        ],
        ['tiers:\n  good: { dailyQuota: 1 }\nwebhooks:\n  "http://127.0.0.1/x": { events: ["*"] }\n', ['#/webhooks/http:~1~1127.0.0.1~1x/url']],
        ['tiers:\n  good: { dailyQuota: 1, unlimited: true }\n', ['#/tiers/good/dailyQuota']],
        ['tiers:\n  good: { dailyQuota: 1, name: other }\n', ['#/tiers/good/name']],
        ['settings:\n  users.defaultTier: { value: nothing }\n', ['#/settings/users.defaultTier/value']],
      ];
      for (const [text, pointers] of wrong) {
        const error = await whole(text).then(
          () => null,
          (refusal: { errors: { pointer: string }[] }) => refusal,
        );
        expect(error?.errors.map(({ pointer }) => pointer)).toEqual(pointers);
      }
      const inUse = await whole('tiers:\n  good: { dailyQuota: 1 }\n', { prune: true }).then(
        () => null,
        (refusal: { errors: object[] }) => refusal,
      );
      expect(inUse?.errors).toMatchObject([{ pointer: expect.stringMatching(/^#\/tiers\//), detail: expect.any(String) }]);
      await expect(
        whole('tiers:\n  good: { dailyQuota: 1 }\n', {
          check: () => {
            throw new Error('not what was shown');
          },
        }),
      ).rejects.toThrow('not what was shown');
      expect(await state()).toBe(before);
    });

    it('may be applied by several at once: one makes it, the others find it made, and its plan counts for users at once', async () => {
      const text = 'tiers:\n  same: { dailyQuota: 7 }\nsettings:\n  same.flag: { value: 1 }\n';
      await whole(text);
      const user = await makeUser(service, { tier: 'same' });
      await service.sql('UPDATE users SET api_quota_custom = false WHERE id = $1', [user.id]);
      const all = await Promise.all(Array.from({ length: 6 }, (_, i) => whole(text.replace('7', '9').replace('1', '2'), { replica: i % 2 })));
      expect(all.filter((changes) => changes.length > 0)).toHaveLength(1);
      expect((await service.as(admin).get(`/v1/users/${user.id}/quota`)).body).toMatchObject({ limit: 9 });
      expect(await whole('tiers:\n  same: {}\n')).toEqual([]);
    });
  });
});
