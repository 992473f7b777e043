import { DataSource } from 'typeorm';
import { HealthService } from '../../src/health/health.service';
import { GracefulShutdown } from '../../src/http/graceful-shutdown';
import { ReplicasService } from '../../src/replicas/replicas.service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';

describe('health', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  const ready = () => service.as().get('/health/ready');

  it('is alive without asking the database', async () => {
    const dataSource = service.app.get(DataSource);
    const query = jest.spyOn(dataSource, 'query');
    const answers = await Promise.all(Array.from({ length: 30 }, () => service.as().get('/health/live').expect(200)));
    expect(answers.map(({ body }) => body)).toEqual(Array(30).fill({ status: 'alive' }));
    // What the process does by itself meanwhile is not much.
    expect(query.mock.calls.length).toBeLessThan(15);
    query.mockRestore();
  });

  it('asks the database once at a time, however many ask whether it is ready', async () => {
    const dataSource = service.app.get(DataSource);
    const query = jest.spyOn(dataSource, 'query');
    const health = service.app.get(HealthService);
    const answers = await Promise.all(Array.from({ length: 50 }, () => health.readiness()));
    expect(answers.map(({ status }) => status)).toEqual(Array<string>(50).fill('ready'));
    const looks = query.mock.calls.filter(([text]) => text.includes('FROM migrations')).length;
    query.mockRestore();
    expect(looks).toBe(1);
  });

  it('is ready with each check named', async () => {
    const { body } = await ready().expect(200);
    const up = { status: 'up' };
    expect(body).toEqual({ status: 'ready', checks: { draining: up, database: up, migrations: up, notifications: up, clock: up, storedValues: up } });
  });

  it('lists also what it does not depend on when it is asked for all', async () => {
    const { body } = await service.as().get('/health/ready?verbose').expect(200);
    expect(body.checks).toMatchObject({
      database: { status: 'up' },
      pooler: { status: 'up', detail: expect.any(String) },
      connections: { detail: expect.stringMatching(/^\d+ open, \d+ idle, \d+ calls wait for one$/) },
      jobs: { status: 'up', detail: 'none has run yet' },
    });
    await service.as().get('/health/ready?verbose=perhaps').expect(400);
  });

  it('lists the processes that serve until their end, those that were killed as silent, and nobody else’s business', async () => {
    const other = await startReplica(service.databaseUrl);
    const admin = await makeAdmin(service);
    await service.sql(
      `INSERT INTO replicas (id, name, version, seen_at) SELECT gen_random_uuid(), 'killed ' || age, '0.0.1', now() - make_interval(secs => age) FROM unnest(ARRAY[60, 4000]) age`,
    );
    const list = async () => (await service.as(admin).get('/v1/replicas').expect(200)).body.items as { name: string; live: boolean; current: boolean }[];
    await eventually(async () => expect((await list()).filter(({ live }) => live)).toHaveLength(2));
    expect((await list()).filter(({ current }) => current)).toHaveLength(1);
    expect((await list()).slice(2).map(({ name, live }) => [name, live])).toContainEqual(['killed 60', false]);
    service.app.get(ReplicasService)['report']();
    await eventually(async () => expect((await list()).map(({ name }) => name)).not.toContain('killed 4000'));
    await other.close();
    expect((await list()).filter(({ live }) => live)).toHaveLength(1);
    const user = await makeUser(service);
    await service.as(user).get('/v1/replicas').expect(403);
  });

  it('is not ready while a migration is pending, and states which', async () => {
    const [row] = await service.sql(`DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations) RETURNING *`);
    const { body, headers } = await ready().expect(503);
    expect(headers['retry-after']).toBe('1');
    expect(headers['content-type']).toBe('application/problem+json');
    expect(body).toMatchObject({ code: 'not-ready', checks: { migrations: { status: 'down', detail: `pending: ${String(row.name)}` } } });
    await service.as().get('/health/live').expect(200);
    await service.sql('INSERT INTO migrations (id, timestamp, name) VALUES ($1, $2, $3)', [row.id, row.timestamp, row.name]);
    await ready().expect(200);
  });

  it('is not ready while it drains, and still serves', async () => {
    const shutdown = service.app.get(GracefulShutdown, { strict: false });
    shutdown.draining = true;
    expect((await ready().expect(503)).body.checks.draining.status).toBe('down');
    await service.as().get('/v1/tiers').expect(200);
    shutdown.draining = false;
    await ready().expect(200);
  });

  it('shows that the database’s clock was set back, and goes on serving', async () => {
    const user = await makeUser(service);
    const ahead = '0fffffff-ffff-7000-8000-000000000000';
    await service.sql(`INSERT INTO requests (id, user_id, type, charged_on, created_at) VALUES ($1, $2, 'x', now(), now() + interval '1 hour')`, [
      ahead,
      user.id,
    ]);
    const { body } = await ready().expect(200);
    expect(body.checks.clock).toEqual({ status: 'degraded', detail: expect.stringMatching(/set back 3[56]\d\d s/) });
    await service.sql('DELETE FROM requests WHERE id = $1', [ahead]);
  });

  it('is measured in the text format of Prometheus, by route and never by id', async () => {
    const user = await makeUser(service);
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    await service.as(user).get(`/v1/users/${user.id}`).expect(200);
    await service.as().get('/no/such/path').expect(404);
    const { text, headers } = await service.as().get('/metrics').expect(200);
    expect(headers['content-type']).toMatch(/^text\/plain; ?version=0\.0\.4/);
    expect(text).toMatch(/^# TYPE quotidian_http_request_duration_seconds histogram$/m);
    expect(text).toContain('quotidian_http_request_duration_seconds_count{method="POST",route="/v1/requests",status="201"}');
    expect(text).toContain('route="/v1/users/:userId"');
    expect(text).not.toContain('/no/such/path');
    expect(text).toMatch(/^quotidian_admission_admitted_total 1$/m);
    expect(text).toMatch(/^quotidian_admission_waiting 0$/m);
    for (const line of text.split('\n').filter(Boolean))
      expect(line).toMatch(/^(# (HELP|TYPE) |[a-z_:][a-z0-9_:]*(\{.*\})? -?[\d.e+-]+$|[a-z_]+(\{.*\})? (Nan|NaN|\+Inf)$)/i);
  });

  it('is not ready while the server has no room on its disk for what is written, and still serves what is read', async () => {
    const user = await makeUser(service);
    await service.sql(`CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$`);
    await service.sql('CREATE TRIGGER no_room BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION no_room()');
    await eventually(async () => {
      await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(503);
      const { body } = await ready().expect(503);
      expect(body.checks.disk).toEqual({ status: 'down', detail: expect.stringContaining('53100') });
    });
    await service.as(user).get('/v1/requests').expect(200);
    await service.sql('DROP FUNCTION no_room CASCADE');
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    await eventually(() => ready().expect(200), 20_000);
  });
});
