import { Client } from 'pg';
import { eventually } from '../support/eventually';
import { RequestSettings } from '../../src/requests/requests.settings';
import { SettingsService } from '../../src/settings/settings.service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

describe('a change of a setting on two replicas', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const limitOf = (replica: Replica) => replica.app.get(SettingsService).get(RequestSettings.maxPayloadBytes);
  const killListeners = () =>
    service.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quotidian listen'`);
  const others = (replica: Replica) => () => Promise.resolve(limitOf(replica));

  it('is in force at once where it was made, and on the other within a second', async () => {
    const [here, there] = service.replicas as [Replica, Replica];
    for (const value of [100, 200, 300]) {
      await writeKey(here, admin, 'requests.maxPayloadBytes', { value });
      expect(limitOf(here)).toBe(value);
      await eventually(async () => (await others(there)()) === value, 1_000);
    }
    await there
      .as(user)
      .post('/v1/requests')
      .send({ type: 'x', payload: { text: 'x'.repeat(400) } })
      .expect(413);
    await here.as(admin).delete('/v1/configurations/requests.maxPayloadBytes').set('if-match', '*').expect(204);
    await eventually(async () => (await others(there)()) === 65_536, 1_000);
    await there
      .as(user)
      .post('/v1/requests')
      .send({ type: 'x', payload: { text: 'x'.repeat(400) } })
      .expect(201);
  });

  it('reaches users’ effective values on both', async () => {
    const [here, there] = service.replicas as [Replica, Replica];
    await defineKey(here, admin, 'live.shown', { value: 1, visibility: 'public' });
    const shown = (replica: Replica) => async () => {
      const { body } = await replica.as(user).get('/v1/users/me/configurations?limit=100').expect(200);
      return (body.items as { key: string; value: unknown }[]).find(({ key }) => key === 'live.shown')?.value;
    };
    expect(await shown(here)()).toBe(1);
    await eventually(async () => (await shown(there)()) === 1, 1_000);
    await writeKey(here, admin, 'live.shown', { value: 2 });
    expect(await shown(here)()).toBe(2);
    await eventually(async () => (await shown(there)()) === 2, 1_000);
  });

  it('reaches both within a second when their listening connections were killed just before, and during it', async () => {
    const [here, there] = service.replicas as [Replica, Replica];
    for (let value = 1_000; value < 1_010; value++) {
      await Promise.all([killListeners(), writeKey(here, admin, 'requests.maxPayloadBytes', { value })].sort(() => (value % 2 ? 1 : -1)));
      await eventually(async () => (await others(there)()) === value, 1_000);
      await eventually(async () => (await others(here)()) === value, 1_000);
    }
  });

  it('reaches both within a second when every connection was killed as it was notified', async () => {
    const [here, there] = service.replicas as [Replica, Replica];
    for (let value = 2_000; value < 2_005; value++) {
      await service.sql(`UPDATE system_configurations SET value = to_jsonb($1::int) WHERE key = 'requests.maxPayloadBytes'`, [value]);
      await service.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'quotidian%' AND pid <> pg_backend_pid()`,
      );
      for (const replica of [here, there]) await eventually(async () => (await others(replica)()) === value, 1_000);
    }
  });

  it('made by plain SQL counts too, and a broken value counts as the default', async () => {
    const [here, there] = service.replicas as [Replica, Replica];
    await service.sql(`UPDATE system_configurations SET value = '77' WHERE key = 'requests.maxPayloadBytes'`);
    for (const replica of [here, there]) await eventually(async () => (await others(replica)()) === 77, 1_000);
    await service.sql(`UPDATE system_configurations SET value = '"many"' WHERE key = 'requests.maxPayloadBytes'`);
    for (const replica of [here, there]) await eventually(async () => (await others(replica)()) === 65_536, 1_000);
    await service.sql(`TRUNCATE system_configurations`);
    await service.as(admin).get('/v1/configurations/requests.maxPayloadBytes').expect(200);
  });

  it('is caught up on when the table could not be read at the time', async () => {
    const [, there] = service.replicas as [Replica, Replica];
    const blocker = new Client({ connectionString: service.databaseUrl });
    await blocker.connect();
    await blocker.query('BEGIN');
    await blocker.query(`INSERT INTO system_configurations (key, value) VALUES ('requests.maxPayloadBytes', '555')`);
    await blocker.query('COMMIT');
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE system_configurations IN ACCESS EXCLUSIVE MODE');
    await service.sql(`SELECT pg_notify('settings', '')`);
    await service.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quotidian'`);
    await blocker.query('ROLLBACK');
    await blocker.end();
    await eventually(async () => (await others(there)()) === 555, 1_000);
  });
});
