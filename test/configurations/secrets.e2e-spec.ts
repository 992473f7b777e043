import { randomBytes } from 'node:crypto';
import { COMMAND } from '../../src/cli/with-app';
import { SecretsRotationService } from '../../src/configurations/secrets-rotation.service';
import { SettingsExportService } from '../../src/configurations/settings-export.service';
import { SettingsService } from '../../src/settings/settings.service';
import { createDatabase } from '../support/databases';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';
import { dumpOf } from '../support/tables';

const OLD = '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f';
const NEWER = randomBytes(32).toString('base64');

describe('secret settings', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const secret = (value: unknown) => ({ value, visibility: 'secret', schema: { type: ['string', 'object'] } });
  const inForce = (replica: Replica, key: string) => replica.app.get(SettingsService).secret(key);

  it('are for the service alone: no answer, table, history, audit event or export shows one', async () => {
    const canaries = ['canary-one', 'canary-two', 'canary-three'];
    const answers: string[] = [];
    const ask = async (method: 'get' | 'put' | 'post' | 'delete', path: string, body?: object, who = admin) => {
      const call = service
        .as(who)
        [method](path)
        .set(method === 'put' || method === 'delete' ? { 'if-match': '*' } : {});
      answers.push((await (body ? call.send(body) : call)).text);
    };
    const path = '/v1/configurations/secret.shown';
    answers.push((await service.as(admin).put(path).set('if-none-match', '*').send(secret('canary-one')).expect(201)).text);
    await ask('put', path, { value: 'canary-two', reason: 'new' });
    await ask('put', `${path}?dryRun=true`, { value: 'canary-three' });
    await ask('put', path, { value: { key: 'canary-three' } });
    expect(inForce(service, 'secret.shown')).toEqual({ key: 'canary-three' });
    for (const who of [admin, user]) {
      for (const read of [
        path,
        `${path}/history`,
        '/v1/configurations?limit=100',
        '/v1/users/me/configurations?limit=100',
        '/v1/users/me/configurations/secret.shown',
      ]) {
        await ask('get', read, undefined, who);
      }
    }
    await ask('post', `${path}/rollback?dryRun=true`, { version: 1 });
    await ask('post', `${path}/rollback`, { version: 1 });
    expect(inForce(service, 'secret.shown')).toBe('canary-one');
    await ask('get', '/v1/audit-events?limit=100');
    await ask('put', path, { value: 'canary-two', schema: { const: 'canary-no' } });
    await ask('delete', path);
    await ask('get', `${path}/history`);
    answers.push(JSON.stringify([...(await service.app.get(SettingsExportService).export())]));
    const everything = answers.join('\n') + (await dumpOf(service));
    for (const canary of canaries) {
      expect(everything).not.toContain(canary);
      expect(everything).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12));
    }
    expect(answers.join('\n')).not.toContain('sealed":');
  });

  it('are stated to have changed, by whom and why', async () => {
    await defineKey(service, admin, 'secret.changed', secret('a'));
    await writeKey(service, admin, 'secret.changed', { value: 'b', reason: 'leaked' });
    const { body } = await service.as(admin).get('/v1/configurations/secret.changed/history').expect(200);
    expect(body.items[0]).toMatchObject({ version: 2, value: null, author: admin.id, reason: 'leaked' });
    expect((await service.as(admin).get('/v1/configurations/secret.changed')).body).toMatchObject({
      value: null,
      source: 'system',
      version: 2,
      visibility: 'secret',
    });
  });

  it('are no setting of users, and never one that was readable before', async () => {
    const put = (body: object) => service.as(admin).put('/v1/configurations/secret.open').set('if-match', '*').send(body);
    await defineKey(service, admin, 'secret.open', { value: 'open' });
    expect((await put(secret('open')).expect(400)).body.errors).toMatchObject([{ pointer: '#/visibility', code: 'was-not-secret' }]);
    const overridable = await service
      .as(admin)
      .put('/v1/configurations/secret.own')
      .set('if-none-match', '*')
      .send({ ...secret('x'), overridable: true })
      .expect(400);
    expect(overridable.body.errors).toMatchObject([{ pointer: '#/overridable', code: 'secret-not-overridable' }]);
    await defineKey(service, admin, 'secret.published', secret('then'));
    await writeKey(service, admin, 'secret.published', { value: 'now', visibility: 'public' });
    const { text } = await service.as(user).get('/v1/configurations/secret.published/history').expect(200);
    expect(text).not.toContain('then');
  });

  it('that cannot be opened leave every other setting in force', async () => {
    await defineKey(service, admin, 'secret.broken', secret('x'));
    await service.sql(
      `UPDATE system_configurations SET value = jsonb_set(value, '{sealed}', '"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"') WHERE key = 'secret.broken'`,
    );
    await service.sql(
      `INSERT INTO system_configurations (key, value, visibility) VALUES ('secret.sql1', 'null', 'secret'), ('secret.sql2', '"plain"', 'secret')`,
    );
    await writeKey(service, admin, 'requests.maxPayloadBytes', { value: 4_321 });
    expect(['secret.broken', 'secret.sql1', 'secret.sql2'].map((key) => inForce(service, key))).toEqual([undefined, undefined, undefined]);
    const { body } = await service.as(admin).get('/v1/configurations/secret.sql2').expect(200);
    expect(body.value).toBeNull();
    await service.sql(`DELETE FROM system_configurations WHERE key LIKE 'secret.%'`);
    await service.sql(`UPDATE system_configuration_versions SET content = jsonb_set(content, '{value,sealed}', '"AA"') WHERE key = 'secret.broken'`);
    expect((await service.as(admin).post('/v1/configurations/secret.broken/rollback').send({ version: 1 }).expect(409)).body.code).toBe('secret-unreadable');
  });
});

describe('a rotation of the key of secrets', () => {
  it('seals rows, history and what waits anew, is gone on with after it was cut off, and both keys read meanwhile', async () => {
    const database = await createDatabase();
    const service = await startService({ database, environment: { SECRETS_KEY: OLD } });
    const admin = await makeAdmin(service);
    for (let i = 0; i < 5; i++) {
      await defineKey(service, admin, `rotate.${i}`, { value: `value ${i}`, visibility: 'secret' });
      await writeKey(service, admin, `rotate.${i}`, { value: `newer ${i}` });
    }
    const waits = await service
      .as(admin)
      .post('/v1/configurations/rotate.0/changes')
      .set('if-match', '"2"')
      .send({ value: 'waited', requiresApproval: true })
      .expect(201);
    const keyIds = async () =>
      (
        await service.sql<{ id: string; n: number }>(
          `SELECT id, count(*)::int AS n FROM (SELECT value ->> 'keyId' AS id FROM system_configurations WHERE visibility = 'secret'
         UNION ALL SELECT content -> 'value' ->> 'keyId' FROM system_configuration_versions WHERE key LIKE 'rotate.%') k GROUP BY id ORDER BY n`,
        )
      ).map(({ n }) => n);
    expect(await keyIds()).toEqual([15]);
    const without = await startReplica(service.databaseUrl, { SECRETS_KEY: NEWER });
    expect(await without.app.get(SecretsRotationService).rotate(COMMAND)).toMatchObject({
      resealed: 0,
      unreadable: expect.arrayContaining(['rotate.0', 'rotate.0, version 1', `rotate.0, change ${waits.body.id}`]),
    });
    await without.close();

    const both = await startReplica(service.databaseUrl, { SECRETS_KEY: NEWER, SECRETS_KEY_PREVIOUS: OLD });
    // Cut off in the middle: the database refuses from the seventh on.
    await service.sql(`CREATE SEQUENCE cut`);
    await service.sql(
      `CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('cut') > 6 THEN RAISE 'cut off'; END IF; RETURN NEW; END $$`,
    );
    for (const table of ['system_configurations', 'system_configuration_versions'])
      await service.sql(`CREATE TRIGGER cut BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION cut_off()`);
    await expect(both.app.get(SecretsRotationService).rotate(COMMAND)).rejects.toThrow('cut off');
    await service.sql('DROP FUNCTION cut_off() CASCADE');
    expect(await keyIds()).toEqual([6, 9]);
    const values = Array.from({ length: 5 }, (_, i) => `newer ${i}`);
    await both.app.get(SettingsService).refresh();
    expect(values.map((_, i) => both.app.get(SettingsService).secret(`rotate.${i}`))).toEqual(values);
    expect(await both.app.get(SecretsRotationService).rotate(COMMAND)).toEqual({ resealed: 9, unreadable: [] });
    expect(await both.app.get(SecretsRotationService).rotate(COMMAND)).toEqual({ resealed: 0, unreadable: [] });
    expect(await keyIds()).toEqual([15]);
    await both.close();

    const after = await startReplica(service.databaseUrl, { SECRETS_KEY: NEWER });
    expect(values.map((_, i) => after.app.get(SettingsService).secret(`rotate.${i}`))).toEqual(values);
    await after.as(admin).post('/v1/configurations/rotate.3/rollback').send({ version: 1 }).expect(200);
    expect(after.app.get(SettingsService).secret('rotate.3')).toBe('value 3');
    const approver = await makeAdmin(service);
    await after.as(approver).post(`/v1/configurations/rotate.0/changes/${waits.body.id}/approve`).expect(200);
    expect(after.app.get(SettingsService).secret('rotate.0')).toBe('waited');
    await after.close();
    await service.close();
  });
});
