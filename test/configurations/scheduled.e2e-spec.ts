import { RequestSettings } from '../../src/requests/requests.settings';
import { SettingsService } from '../../src/settings/settings.service';
import { type ClockedService, startClockedService } from '../support/clocked-service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, startReplica } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

const DAY_MS = 86_400_000;

describe('a change of a setting that names its instant', () => {
  let service: ClockedService;
  let admin: TestUser;
  let second: TestUser;
  beforeAll(async () => {
    service = await startClockedService({ replicas: 2 });
    admin = await makeAdmin(service);
    second = await makeAdmin(service);
  });
  afterEach(() => service.setClock(null));
  afterAll(() => service.close());

  const key = 'requests.maxPayloadBytes';
  const path = (name: string) => `/v1/configurations/${name}`;
  const propose = async (name: string, body: object) =>
    (
      await service
        .as(admin)
        .post(`${path(name)}/changes`)
        .set('if-match', '*')
        .send(body)
        .expect(201)
    ).body as { id: number; effectiveAt: string };
  const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
  const statusOf = async (name: string, id: number) =>
    (
      await service
        .as(admin)
        .get(`${path(name)}/changes/${id}`)
        .expect(200)
    ).body.status;
  const inForce = (replica: Replica) => replica.app.get(SettingsService).get(RequestSettings.maxPayloadBytes);
  const killListeners = () =>
    service.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'quotidian listen'`);

  it('is in force from then on and not before, on every replica, as one version', async () => {
    const [{ at }] = (await service.sql<{ at: Date }>(`SELECT pg_catalog.clock_timestamp() + interval '1.5 seconds' AS at`)) as [{ at: Date }];
    const { id } = await propose(key, { value: 1_111, effectiveAt: at.toISOString(), reason: 'later' });
    expect(await statusOf(key, id)).toBe('approved');
    for (const replica of service.replicas) expect(inForce(replica)).toBe(65_536);
    for (const replica of service.replicas) await eventually(() => inForce(replica) === 1_111, 3_000);
    const [made] = await service.sql(
      `SELECT count(*)::int AS versions, bool_and(created_at >= $2) AS punctual FROM system_configuration_versions WHERE key = $1`,
      [key, at],
    );
    expect(made).toEqual({ versions: 1, punctual: true });
    expect(await statusOf(key, id)).toBe('applied');
  });

  it('is in force within a second on a replica that learns of nothing', async () => {
    const [{ at }] = (await service.sql<{ at: Date }>(`SELECT pg_catalog.clock_timestamp() + interval '1 second' AS at`)) as [{ at: Date }];
    await propose(key, { value: 2_222, effectiveAt: at.toISOString() });
    const killing = setInterval(() => void killListeners(), 50);
    for (const replica of service.replicas) {
      await eventually(() => inForce(replica) === 2_222, 2_500).finally(() => clearInterval(killing));
    }
  });

  it('is in force soon after, when the database refuses to make it at its instant', async () => {
    await service.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$`);
    const [{ at }] = (await service.sql<{ at: Date }>(`SELECT pg_catalog.clock_timestamp() + interval '1 second' AS at`)) as [{ at: Date }];
    await propose(key, { value: 2_345, effectiveAt: at.toISOString() });
    await service.sql(`CREATE TRIGGER refuse BEFORE INSERT ON system_configuration_versions EXECUTE FUNCTION refuse()`);
    await eventually(async () => {
      const [row] = await service.sql<{ over: boolean }>(`SELECT pg_catalog.clock_timestamp() > $1::timestamptz + interval '300 milliseconds' AS over`, [at]);
      return row?.over === true;
    }, 3_000);
    for (const replica of service.replicas) expect(inForce(replica)).not.toBe(2_345);
    await service.sql('DROP FUNCTION refuse() CASCADE');
    for (const replica of service.replicas) {
      await eventually(() => inForce(replica) === 2_345, 3_000);
    }
  });

  it('is there for whoever looks once its instant has come, though no timer went off', async () => {
    await defineKey(service, admin, 'at.look', { value: 'old', visibility: 'public', overridable: true });
    const user = await makeUser(service);
    const { id, effectiveAt } = await propose('at.look', { value: 'new', effectiveAt: inDays(2) });
    const { headers } = await service.as(admin).get(path('at.look'));
    await service.setClock(Date.parse(effectiveAt) - 1);
    expect((await service.as(admin).get(path('at.look'))).body).toMatchObject({ value: 'old', version: 1 });
    await service.setClock(Date.parse(effectiveAt));
    const seen = await Promise.all(
      service.replicas.flatMap((replica) => [
        replica.as(admin).get(path('at.look')),
        replica.as(user).get('/v1/users/me/configurations/at.look'),
        replica.as(admin).put(path('at.look')).set('if-match', headers.etag).send({ value: 'late' }),
      ]),
    );
    for (const { status, body } of seen) expect(status === 412 || body.value).toBe(status === 412 ? true : 'new');
    expect(seen.filter(({ status }) => status === 412)).toHaveLength(2);
    expect(await statusOf('at.look', id)).toBe('applied');
    expect((await service.as(admin).get(path('at.look'))).body).toMatchObject({ value: 'new', version: 2 });
  });

  it('is in force in a process that starts after it', async () => {
    await writeKey(service, admin, key, { value: 3_000 });
    const { effectiveAt } = await propose(key, { value: 3_333, effectiveAt: inDays(3) });
    await service.setClock(Date.parse(effectiveAt) + 1);
    const late = await startReplica(service.databaseUrl);
    expect(inForce(late)).toBe(3_333);
    await late.close();
    for (const replica of service.replicas) await eventually(() => inForce(replica) === 3_333, 1_000);
  });

  it('does not follow another one of the same version', async () => {
    await defineKey(service, admin, 'at.race', { value: 0 });
    const later = await propose('at.race', { value: 'later', effectiveAt: inDays(5) });
    const sooner = await propose('at.race', { value: 'sooner', effectiveAt: inDays(4) });
    await service.setClock(Date.parse(later.effectiveAt) + 1);
    expect((await service.replicas[1].as(admin).get(path('at.race'))).body).toMatchObject({ value: 'sooner', version: 2 });
    expect(await statusOf('at.race', sooner.id)).toBe('applied');
    expect(await statusOf('at.race', later.id)).toBe('stale');
  });

  it('waits for its approval as well, and is in force with it when that comes late', async () => {
    await defineKey(service, admin, 'at.eyes', { value: 0 });
    const { id, effectiveAt } = await propose('at.eyes', { value: 1, effectiveAt: inDays(6), requiresApproval: true });
    const approve = () => service.as(second).post(`${path('at.eyes')}/changes/${id}/approve`);
    await service.setClock(Date.parse(effectiveAt) + 1);
    expect((await service.as(admin).get(path('at.eyes'))).body.value).toBe(0);
    expect((await approve().expect(200)).body).toMatchObject({ status: 'applied', version: 2 });
    const other = await propose('at.eyes', { value: 2, effectiveAt: inDays(9), requiresApproval: true });
    expect(
      (
        await service
          .as(second)
          .post(`${path('at.eyes')}/changes/${other.id}/approve`)
          .expect(200)
      ).body.status,
    ).toBe('approved');
    expect((await service.as(admin).get(path('at.eyes'))).body.value).toBe(1);
    await service.setClock(Date.parse(other.effectiveAt));
    expect((await service.as(admin).get(path('at.eyes'))).body.value).toBe(2);
  });

  it('that is not valid any more is failed and states why; the setting stays, and the next one is not held up', async () => {
    await writeKey(service, admin, key, { value: 4_000 });
    const { id, effectiveAt } = await propose(key, { value: 4_444, effectiveAt: inDays(10) });
    await service.sql(`UPDATE system_configuration_changes SET content = '{"value": -1}' WHERE id = $1`, [id]);
    await service.setClock(Date.parse(effectiveAt) + 1);
    expect((await service.as(admin).get(path(key))).body.value).toBe(4_000);
    const { body } = await service.as(admin).get(`${path(key)}/changes/${id}`);
    expect(body).toMatchObject({ status: 'failed', version: null, error: '#/value: must be >= 2' });
    await writeKey(service, admin, key, { value: 4_001 });
  });
});
