import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { migrate } from '../../src/database/migrate';
import { promisesByTheClock } from '../support/clock-promises';
import { execute } from '../support/databases';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';
import { type StallingProxy, startStallingProxy } from '../support/stalling-proxy';
import { TestServer } from '../support/test-server';

promisesByTheClock();

/** With a busy machine's leave: the service itself takes four. */
const LEAVES_WITHIN_MS = 5_000;
const READY_WITHIN_MS = 10_000;

describe('a server that stops to take writes', () => {
  let server: TestServer;
  let service: Service;
  let user: TestUser;
  let proxies: StallingProxy[];
  let socket: string;
  beforeAll(async () => {
    server = await TestServer.start();
    await migrate(server.url);
    socket = `${new URL(server.url.replace(/^\w+:\/\/[^/]*/, 'http://x')).searchParams.get('host')}/.s.PGSQL.5432`;
    service = await startService({ database: { url: server.url, drop: () => Promise.resolve() } });
    user = await makeUser(service, { unlimited: true });
  }, 60_000);
  beforeEach(async () => {
    proxies = await Promise.all([1, 2].map(() => startStallingProxy({ path: socket })));
  });
  afterEach(() => Promise.all(proxies.map((proxy) => proxy.close())));
  afterAll(async () => {
    await service.close();
    await server.stop();
  });

  const urlOf = (...through: StallingProxy[]) =>
    `postgres://postgres@${through.map(({ port }) => `127.0.0.1:${port}`).join(',')}/postgres?target_session_attrs=read-write`;
  const submit = (replica: Pick<Service, 'as'>) => replica.as(user).post('/v1/requests').send({ type: 'x' });
  const notReady = async (replica: Pick<Service, 'as'>) => {
    const startedAt = performance.now();
    const { body } = await eventually(() => replica.as().get('/health/ready').expect(503), LEAVES_WITHIN_MS);
    expect(performance.now() - startedAt).toBeLessThan(LEAVES_WITHIN_MS);
    return body.checks.database as { status: string; detail: string };
  };
  const ready = async (replica: Pick<Service, 'as'>) => {
    await eventually(() => replica.as().get('/health/ready').expect(200), READY_WITHIN_MS);
    await eventually(() => submit(replica).expect(201), READY_WITHIN_MS);
  };

  it('because an operator fenced it is left at once, with the reason in readiness, and taken again when it is opened', async () => {
    await submit(service).expect(201);
    await execute(server.url, 'ALTER SYSTEM SET default_transaction_read_only = on');
    await execute(server.url, 'SELECT pg_reload_conf()');
    expect(await notReady(service)).toEqual({ status: 'down', detail: expect.stringContaining('read-only') });
    const [before] = await service.sql('SELECT count(*)::int AS n FROM requests');
    for (const answer of [await submit(service), await service.as(user).get('/v1/users/me/quota'), await service.as().get('/v1/tiers')]) {
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, expect.any(String)]);
    }
    await service.as().get('/health/live').expect(200);
    const [after] = await service.sql('SELECT count(*)::int AS n FROM requests');
    expect(after).toEqual(before);
    await execute(`${server.url}&options=${encodeURIComponent('-c default_transaction_read_only=off')}`, 'ALTER SYSTEM RESET default_transaction_read_only');
    await execute(server.url, 'SELECT pg_reload_conf()');
    await ready(service);
  });

  it('because it fell silent is left by all connections for the next one of the URL, without a restart', async () => {
    const [first, second] = proxies as [StallingProxy, StallingProxy];
    const replica = await startReplica(urlOf(first, second));
    try {
      await submit(replica).expect(201);
      first.stall();
      const startedAt = performance.now();
      await eventually(() => submit(replica).expect(201), READY_WITHIN_MS);
      await ready(replica);
      expect(performance.now() - startedAt).toBeLessThan(READY_WITHIN_MS);
      await eventually(async () => {
        const { body } = await replica.as().get('/health/ready').expect(200);
        expect(body.checks.notifications).toEqual({ status: 'up' });
      });
    } finally {
      await replica.close();
    }
  });

  it('because it fell silent is no longer waited for when it is the only one, and serves again by itself', async () => {
    const [only] = proxies as [StallingProxy];
    const replica = await startReplica(urlOf(only));
    try {
      await submit(replica).expect(201);
      only.stall();
      expect(await notReady(replica)).toMatchObject({ status: 'down' });
      await eventually(async () => {
        const startedAt = performance.now();
        await submit(replica).expect(503);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
      }, LEAVES_WITHIN_MS);
      only.resume();
      await ready(replica);
    } finally {
      await replica.close();
    }
  });

  it('is passed over at the start when it is one of several', async () => {
    const [silent, good] = proxies as [StallingProxy, StallingProxy];
    silent.stall();
    const replica = await startReplica(urlOf(silent, good));
    try {
      await submit(replica).expect(201);
    } finally {
      await replica.close();
    }
  });

  it('that asks for a password gets the one that the file holds now, without a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quotidian-rotation-'));
    const [urlFile, passFile] = [join(folder, 'url'), join(folder, 'pgpass')];
    const hba = join(server.postgres.folder, 'pg_hba.conf');
    const host = encodeURIComponent(dirname(socket));
    const write = (password: string) => {
      writeFileSync(urlFile, `postgres://rotating:${password}@/postgres?host=${host}\n`);
      writeFileSync(passFile, `*:*:postgres:rotating:${password}\n`);
    };
    write('first');
    await execute(server.url, `CREATE ROLE rotating SUPERUSER LOGIN PASSWORD 'first'`);
    writeFileSync(hba, `local all rotating scram-sha-256\n${readFileSync(hba, 'utf8')}`);
    await execute(server.url, 'SELECT pg_reload_conf()');
    process.env.PGPASSFILE = passFile;
    const replicas = await Promise.all([
      startReplica(server.url, { DATABASE_URL: '', DATABASE_URL_FILE: urlFile }),
      startReplica(`postgres://rotating@/postgres?host=${host}`),
    ]);
    try {
      for (const replica of replicas) await ready(replica);
      await execute(server.url, `ALTER ROLE rotating PASSWORD 'second'`);
      write('second');
      await execute(server.url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rotating'`);
      for (const replica of replicas) await ready(replica);
    } finally {
      delete process.env.PGPASSFILE;
      await Promise.all(replicas.map((replica) => replica.close()));
      rmSync(folder, { recursive: true });
    }
  });
});
