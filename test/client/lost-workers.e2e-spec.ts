import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { books, claim, makeWorker, newType, putSetting, submit } from '../requests/work';
import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

promisesByTheClock();

const ROOT = join(__dirname, '..', '..');
const LEASE_SECONDS = 2;

interface Call {
  answered?: string;
  status?: number;
  attempt: number;
}

describe('a worker process', () => {
  let service: Service;
  let workerUser: TestUser;
  let submitter: TestUser;
  let user: TestUser;
  let folder: string;
  const processes: ChildProcess[] = [];
  beforeAll(async () => {
    const { status, stdout } = spawnSync(process.execPath, ['node_modules/typescript7/bin/tsc', '-p', 'packages/client/tsconfig.json'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the client does not build: ${stdout}`);
    folder = mkdtempSync(join(tmpdir(), 'quotidian-worker-'));
    service = await startService({ replicas: 2 });
    workerUser = await makeWorker(service);
    submitter = await makeUser(service, { scopes: ['requests:write', 'service'] });
  });
  beforeEach(async () => (user = await makeUser(service, { dailyQuota: 100 })));
  afterEach(() => processes.splice(0).forEach((child) => child.kill('SIGKILL')));
  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The worker kit in a process of its own; `calls` are what it has sent and received. */
  function start(type: string): { child: ChildProcess; calls: () => Call[] } {
    const log = join(folder, `${type}.log`);
    const urls = service.replicas.map(({ url }) => url);
    const options = { urls, key: workerUser.key, types: [type], concurrency: 1, leaseSeconds: LEASE_SECONDS, log };
    const child = spawn(process.execPath, ['test/faults/worker-process.mjs'], { cwd: ROOT, env: { PATH: process.env.PATH, WORKER: JSON.stringify(options) } });
    processes.push(child);
    const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []);
    return { child, calls: () => lines().map((line) => JSON.parse(line) as Call) };
  }
  const order = (type: string, payload: object) => submit(service, submitter, type, { userId: user.id, cost: 10, payload });
  const begun = async (id: string) => eventually(async () => (await row(id)).status === 'processing', 10_000);
  const row = async (id: string) =>
    (
      await service.sql<{ status: string; attempt: number; lease: Date | null }>(
        `SELECT status, attempt, lease_expires_at AS lease FROM requests WHERE id = $1`,
        [id],
      )
    )[0];
  /** Waits for the second attempt. @returns how many seconds after the end of the first one's lease it was handed out */
  const reclaim = async (type: string, id: string) => {
    const { lease } = await row(id);
    const [item] = await claim(service.replicas[1], workerUser, type, { waitSeconds: 10, leaseSeconds: 60 });
    expect(item).toMatchObject({ id, attempt: 2 });
    const [{ outcome, at }] = await service.sql<{ outcome: string; at: Date }>(`SELECT outcome, ended_at AS at FROM request_attempts WHERE request_id = $1`, [
      id,
    ]);
    expect(outcome).toBe('lost');
    return (at.getTime() - lease!.getTime()) / 1_000;
  };
  const complete = (id: string, body: object) =>
    service
      .as(workerUser)
      .post(`/v1/requests/${id}/complete`)
      .send({ attempt: 2, ...body });

  it('that is killed at its work loses it when its lease ends, and it is completed once', async () => {
    const type = newType();
    const { id } = await order(type, { ms: 60_000 });
    const { child } = start(type);
    await begun(id);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    const seconds = await reclaim(type, id);
    expect(seconds).toBeGreaterThanOrEqual(0);
    expect(seconds).toBeLessThan(5);
    await complete(id, { result: 'done' }).expect(200);
    await complete(id, { result: 'again' }).expect(409);
    expect((await service.as(user).get(`/v1/requests/${id}`)).body).toMatchObject({ status: 'succeeded', result: 'done', attempt: 2, refundedUnits: 0 });
    expect(await books(service, user)).toMatchObject({ used: 10, refunded: 0, ledger: 10 });
  });

  it('that sleeps beyond its lease is refused when it wakes, before and after another has completed', async () => {
    for (const first of ['it wakes', 'another completes']) {
      const type = newType();
      const { id } = await order(type, { freezes: true });
      const { child, calls } = start(type);
      await begun(id);
      expect(await reclaim(type, id)).toBeLessThan(5);
      if (first === 'another completes') await complete(id, { result: 'mine', units: 4 }).expect(200);
      child.kill('SIGCONT');
      await eventually(() => calls().some(({ answered }) => answered === 'complete'), 10_000);
      expect(calls().filter(({ answered }) => answered === 'complete')).toEqual([expect.objectContaining({ attempt: 1, status: 409 })]);
      if (first === 'it wakes') await complete(id, { result: 'mine', units: 4 }).expect(200);
      expect((await service.as(user).get(`/v1/requests/${id}`)).body).toMatchObject({ status: 'succeeded', result: 'mine', attempt: 2, refundedUnits: 6 });
      child.kill('SIGKILL');
    }
    expect(await books(service, user)).toMatchObject({ used: 8, refunded: 12, ledger: 8 });
  });

  it('that sleeps through its last attempt is paid for by nobody: the request has failed and was refunded once', async () => {
    const type = newType();
    await putSetting(service, 'requests.types', { [type]: { maxAttempts: 1 } });
    const { id } = await order(type, { freezes: true });
    const { child, calls } = start(type);
    await begun(id);
    await eventually(async () => {
      await claim(service, workerUser, type);
      return (await row(id)).status === 'failed';
    }, 10_000);
    child.kill('SIGCONT');
    await eventually(() => calls().some(({ answered }) => answered === 'complete'), 10_000);
    expect(calls().filter(({ answered }) => answered === 'complete')).toEqual([expect.objectContaining({ attempt: 1, status: 409 })]);
    expect((await service.as(user).get(`/v1/requests/${id}`)).body).toMatchObject({ status: 'failed', result: null, refundedUnits: 10 });
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 10, ledger: 0 });
    await putSetting(service, 'requests.types', null);
  });
});
