import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, run } from '../support/command';
import { createDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { clientOf } from '../support/other-process';

jest.setTimeout(120_000);

/** With the embedded database, as on a fresh machine. */
describe('quotidian serve', () => {
  let folder: string;
  const environment = (more: Record<string, string> = {}) => ({ DATA_DIR: folder, PORT: '0', LOG_FORMAT: 'json', ...more });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'quotidian-serve-'));
    chmodSync(folder, 0o755);
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('shows the first administrator once, keeps what it acknowledged through kill -9, and ends with 0 on SIGTERM', async () => {
    const first = new Command(['serve'], environment());
    const url = (await first.shows(/API +(http\S+)/))[1];
    const key = (await first.shows(/API key +(\S+)/))[1];
    const password = (await first.shows(/password +(\S+)/))[1];
    const token = (await first.shows(/begin here +\S+\/console\/first-run#token=(\S+)/))[1];
    await clientOf(url).get('/health/ready').expect(200);
    await clientOf(url).post('/v1/auth/sign-in-link').send({ token }).expect(200);
    await clientOf(url).post('/v1/auth/sign-in-link').send({ token }).expect(400);
    await clientOf(url).post('/v1/auth/login').send({ email: 'admin@quotidian.local', password }).expect(200);
    const { body } = await clientOf(url).post('/v1/requests').set('authorization', `Bearer ${key}`).send({ type: 'first' }).expect(201);
    first.child.kill('SIGKILL');
    await first.finished();

    const second = new Command(['serve'], environment());
    const again = (await second.shows(/API +(http\S+)/))[1];
    expect(second.stdout).not.toMatch(/password|API key|begin here/);
    expect(first.stdout.split(token)).toHaveLength(2);
    await clientOf(again).get(`/v1/requests/${body.id}`).set('authorization', `Bearer ${key}`).expect(200);
    second.child.kill('SIGTERM');
    const { code, stdout, stderr } = await second.finished();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toMatch(/"level":"(warn|error|fatal)"/);
    for (const secret of readdirSync(join(folder, 'secrets'))) expect(statSync(join(folder, 'secrets', secret)).mode & 0o777).toBe(0o600);
  });

  it('refuses production without secrets, and names each variable', async () => {
    const { code, stderr } = await run(['serve'], environment({ NODE_ENV: 'production', JWT_SECRET: 'short' }));
    expect(code).toBe(1);
    expect(stderr).toMatch(/JWT_SECRET.*SECRETS_KEY/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('states in one line what to do when the database does not answer, without its password', async () => {
    const { code, stderr, stdout } = await run(['serve'], environment({ DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/x' }));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^quotidian: PostgreSQL at 127\.0\.0\.1:1 cannot be used .*DATABASE_URL.*\n$/);
    expect(stderr).not.toContain('hunter2');
  });

  it('states in one line what to do about data of another major version', async () => {
    const other = mkdtempSync(join(tmpdir(), 'quotidian-other-'));
    mkdirSync(join(other, 'postgres'));
    writeFileSync(join(other, 'postgres', 'PG_VERSION'), '13\n');
    chmodSync(other, 0o755);
    const { code, stderr } = await run(['serve'], environment({ DATA_DIR: other }));
    rmSync(other, { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^quotidian: .*made by PostgreSQL 13.*\n$/);
  });

  it('states in one line that the port is busy', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { code, stderr } = await run(['serve'], environment({ PORT: String(port) }));
    other.close();
    expect([code, stderr]).toEqual([1, `quotidian: Port ${port} on 127.0.0.1 is in use. Stop what listens there, or set PORT.\n`]);
  });

  it('states in one line that a folder holds no PostgreSQL', async () => {
    const { code, stderr } = await run(['serve'], environment({ EMBEDDED_PG_BIN_DIR: '/nonexistent' }));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^quotidian: EMBEDDED_PG_BIN_DIR=.*\n$/)]);
  });

  it('still takes calls for SHUTDOWN_DELAY_SECONDS after SIGTERM, while readiness already answers no', async () => {
    const service = new Command(['serve'], environment({ SHUTDOWN_DELAY_SECONDS: '60' }));
    const url = (await service.shows(/API +(http\S+)/))[1];
    service.child.kill('SIGTERM');
    await eventually(() => clientOf(url).get('/health/ready').expect(503));
    await clientOf(url).get('/v1/tiers').set('connection', 'close').expect(200);
    service.child.kill('SIGKILL');
    await service.finished();
  });

  it('serves by several processes on one port, exactly, through the death of one, drains all, and leaves none behind', async () => {
    const service = new Command(['serve', '--workers', '2'], environment({ DATABASE_POOL_SIZE: '8', SHUTDOWN_DELAY_SECONDS: '60' }));
    const url = (await service.shows(/API +(http\S+)/))[1];
    await service.shows(/Workers +2, each with DATABASE_POOL_SIZE=4 and ADMISSION_QUEUE_LIMIT=2048/);
    const workersSeen = async () => {
      const { text } = await clientOf(url).get('/metrics').expect(200);
      return [...text.matchAll(/^process_start_time_seconds\{worker="(\d+)"\} ([\d.]+)$/gm)].map(([, number, since]) => `${number} since ${since}`).sort();
    };
    const both = await eventually(async () => {
      const seen = await workersSeen();
      expect(seen).toHaveLength(2);
      return seen;
    });
    // The plan of who registers has five units a day; each call has a connection of its own, so they go to both.
    const login = { email: 'ada@example.com', password: 'correct horse battery' };
    await clientOf(url).post('/v1/auth/register').send(login).expect(201);
    const { accessToken } = (await clientOf(url).post('/v1/auth/login').send(login).expect(200)).body as { accessToken: string };
    const submit = () => clientOf(url).post('/v1/requests').set('authorization', `Bearer ${accessToken}`).send({ type: 'spread' });
    const statuses = (await Promise.all(Array.from({ length: 30 }, submit))).map(({ status }) => status);
    expect([statuses.filter((status) => status === 201).length, statuses.filter((status) => status === 429).length]).toEqual([5, 25]);

    const { pid } = service.child;
    // Empty: it has ended, and nobody has asked how.
    const commandOf = (child: number) => (existsSync(`/proc/${child}`) ? readFileSync(`/proc/${child}/cmdline`, 'utf8') : '');
    const childrenNow = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
    const workers = childrenNow().filter((child) => commandOf(child).includes('--workers'));
    expect(workers).toHaveLength(2);
    process.kill(Number(workers[0]), 'SIGKILL');
    await eventually(async () => {
      const seen = await workersSeen();
      expect(seen).toHaveLength(2);
      expect(seen).not.toEqual(both);
    });
    await clientOf(url).get('/health/ready').expect(200);

    service.child.kill('SIGTERM');
    // Nobody is left who is ready, and calls are still taken.
    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => clientOf(url).get('/health/ready').set('connection', 'close')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    });
    const left = childrenNow();
    service.child.kill('SIGKILL');
    await service.finished();
    await eventually(() => left.every((child) => commandOf(child) === ''));

    const again = new Command(['serve', '--workers', '2'], environment());
    await again.shows(/Workers +2/);
    again.child.kill('SIGTERM');
    const { code, stderr } = await again.finished();
    expect([code, stderr]).toEqual([0, '']);
  });

  it('states in one line why no worker can start, and takes no count that is none', async () => {
    const { code, stderr } = await run(['serve', '--workers', '2'], environment({ EMBEDDED_PG_BIN_DIR: '/nonexistent' }));
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^quotidian: EMBEDDED_PG_BIN_DIR=.*\n$/)]);
    for (const count of ['0', '65', 'many', '1.5']) expect((await run(['serve', '--workers', count], environment())).code).toBe(2);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const busy = await run(['serve', '--workers', '2'], environment({ PORT: String(port) }));
    other.close();
    expect([busy.code, busy.stderr]).toEqual([1, `quotidian: Port ${port} on 127.0.0.1 is in use. Stop what listens there, or set PORT.\n`]);
  });

  it('states in one line each variable that is wrong, and a schema that lacks migrations', async () => {
    const { url, drop } = await createDatabase(null);
    const secret = join(folder, 'a-secret');
    writeFileSync(secret, '');
    for (const [variables, reason] of [
      [{ DATABASE_URL: url }, /lacks migrations: run `quotidian migrate`/],
      [{ TRUST_PROXY: '10.0.0.0/33' }, /TRUST_PROXY has "10\.0\.0\.0\/33"/],
      [{ SHUTDOWN_DELAY_SECONDS: 'soon' }, /SHUTDOWN_DELAY_SECONDS/],
      [{ JWT_SECRET_FILE: secret }, /JWT_SECRET_FILE names .*a-secret, which cannot be read \(empty\)/],
      [{ JWT_SECRET_FILE: secret, JWT_SECRET: 'x' }, /JWT_SECRET and JWT_SECRET_FILE are both set/],
      [{ DATABASE_URL: 'postgres://u:sl/hunter2@localhost/db' }, /in a password write @ as %40/],
    ] as const) {
      const { code, stdout, stderr } = await run(['serve'], environment(variables));
      expect([code, stdout, stderr.trim().split('\n').length]).toEqual([1, '', 1]);
      expect(stderr).toMatch(reason);
      expect(stderr).not.toContain('hunter2');
    }
    await drop();
  });
});
