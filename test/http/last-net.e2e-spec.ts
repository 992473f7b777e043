import { getMetadataStorage } from 'class-validator';
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { SubmitRequestDto } from '../../src/requests/dto/submit-request.dto';
import { makeAdmin, PASSWORD, type TestUser } from '../support/factories';
import { filled, type Route, routesOf } from '../support/routes';
import { type Service, startService } from '../support/service';

interface Call {
  method: string;
  path: string;
  body?: string;
}
interface Order {
  id: string;
  method?: string;
  kind?: Kind;
}
type Kind = 'throw' | 'reject' | 'detached' | 'unsound';
interface Report {
  fired: number;
  called: [method: string, isAsync: boolean][];
}

/** Routes on which each method fails in each way. */
const IN_EACH_WAY = 3;
/** Reports come with the answer, or a moment behind it; the rest is room for a machine that has no time. */
const REPORTED_WITHIN_MS = 10_000;

/** A service of its own process, whose services fail when they are made to. */
class FaultyService {
  log = '';
  private rest = '';
  private readonly stacks = new Map<string, string>();
  private readonly reports = new EventEmitter();

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.read(chunk.toString()));
  }

  static async start(environment: Record<string, string>): Promise<FaultyService> {
    const child = fork(join(__dirname, '../support/faulty-service.mjs'), {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new FaultyService(child, `http://127.0.0.1:${port}`);
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What happened since the last order. */
  async order(order: Order): Promise<Report> {
    this.child.send(order);
    const [report] = (await once(this.child, 'message')) as [Report];
    return report;
  }

  /** The lines that report an error under the id of a request. */
  private read(text: string): void {
    this.log += text;
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const id = line.includes('"err"') ? /"requestId":"([^"]+)"/.exec(line)?.[1] : undefined;
      if (id === undefined) continue;
      this.stacks.set(id, (JSON.parse(line) as { err: { stack: string } }).err.stack);
      this.reports.emit(id);
    }
  }

  /** The stack that is reported under the id of a request, once it is. */
  async stackOf(id: string): Promise<string> {
    if (!this.stacks.has(id)) await once(this.reports, id, { signal: AbortSignal.timeout(REPORTED_WITHIN_MS) });
    return this.stacks.get(id) ?? '';
  }

  /** The exit code once it has ended by itself. */
  async ended(): Promise<number | null> {
    if (this.alive) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async stop(): Promise<void> {
    if (!this.alive) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

describe('an error that nobody took', () => {
  let service: Service;
  let admin: TestUser;
  let faulty: FaultyService;
  let calls: Call[];
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    calls = routesOf(service.app)
      .filter(({ method, path }) => ['get', 'post', 'put', 'patch', 'delete'].includes(method) && !path.includes('*') && !path.endsWith('/events'))
      .map(callOf);
    faulty = await FaultyService.start({
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      DATABASE_URL: service.databaseUrl,
      JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
      SCHEDULER_ENABLED: 'false',
      LOG_FORMAT: 'json',
    });
  }, 60_000);
  afterAll(async () => {
    await faulty.stop();
    await service.close();
  });

  const VALUES: Record<string, unknown> = {
    email: 'nobody@example.com',
    password: PASSWORD,
    name: 'x',
    dailyQuota: 5,
    value: 1,
    type: 'x',
    reason: 'x',
    expiresAt: '2999-01-01T00:00:00Z',
    attempt: 1,
    types: ['x'],
    version: 1,
    refreshToken: 'x',
    newPassword: PASSWORD,
    items: [{ type: 'x' }],
  };

  /** A call of the route that gets as far as its service, and destroys nothing that the others need. */
  function callOf({ method, path, body }: Route): Call {
    const nobody = method !== 'get' && /\/users\/:userId(\/password)?$/.test(path);
    const names: Record<string, string> = {
      id: '01890000-0000-7000-8000-000000000000',
      key: 'some.key',
      tierId: 'none',
      keyId: '999',
      ...(nobody ? { userId: '2147483000' } : {}),
    };
    const dto = path === '/v1/requests' && method === 'post' ? SubmitRequestDto : body;
    const fields =
      dto === null
        ? []
        : getMetadataStorage()
            .getTargetValidationMetadatas(dto, '', false, false)
            .map(({ propertyName }) => propertyName);
    const sent = Object.fromEntries(fields.flatMap((name) => (name in VALUES ? [[name, VALUES[name]]] : [])));
    return { method: method.toUpperCase(), path: filled(path, names), body: method === 'get' ? undefined : JSON.stringify(sent) };
  }

  async function send({ method, path, body }: Call, id: string): Promise<{ status: number; type: string; text: string }> {
    const headers = {
      authorization: `Bearer ${admin.key}`,
      'x-request-id': id,
      'if-match': '*',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const answer = await fetch(`${faulty.url}${path}`, { method, headers, body, signal: AbortSignal.timeout(8_000) });
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
  }

  it('is answered 500, reported with its stack under the id of the call, and harms nobody else: in each service method of each route', async () => {
    let planted = 0;
    /** How often each way of failing was tried in each method. What every route calls is tried in each way on its first routes, and in one of them on each further one. */
    const tried = new Map<string, number>();
    let n = 0;
    const faults: unknown[] = [];
    for (const call of calls) {
      const seenBy = `seen-${++n}`;
      await faulty.order({ id: seenBy });
      await send(call, seenBy);
      const { called } = await faulty.order({ id: 'none' });
      for (const [method, isAsync] of called) {
        const kinds = (isAsync ? ['throw', 'reject', 'detached'] : ['throw', 'detached']) as Kind[];
        const before = tried.get(method) ?? 0;
        for (const kind of before < IN_EACH_WAY ? kinds : [kinds[before % kinds.length]]) {
          const id = `fault-${++n}`;
          const where = `${call.method} ${call.path} ${method} ${kind}`;
          await faulty.order({ id, method, kind });
          const answer = await send(call, id).catch((error: Error) => ({ status: 0, type: error.message, text: '' }));
          const { fired } = await faulty.order({ id: 'none' });
          if (fired === 0) continue;
          planted++;
          tried.set(method, before + 1);
          const stack = await faulty.stackOf(id).catch(String);
          const isProblem = answer.type === 'application/problem+json' && answer.text.includes(`"instance":"urn:quotidian:request:${id}"`);
          // Many items have an answer each, what was answered before the fault stays answered, and readiness answers in any case.
          const inItem = answer.status === 200 && answer.text.includes('"status":500');
          const wasOut =
            (kind === 'detached' || method === 'MetricsService.answered' || ['/health/ready', '/v1/auth/password/forgot'].includes(call.path)) &&
            answer.status !== 0 &&
            answer.status < 500;
          const good = ((answer.status === 500 && isProblem) || inItem || wasOut) && stack.includes('a planted fault') && stack.includes('    at ');
          if (!good || answer.text.includes('canary') || answer.text.includes('planted'))
            faults.push([where, answer.status, answer.text.slice(0, 300), stack.slice(0, 80)]);
        }
      }
      expect((await fetch(`${faulty.url}/health/live`)).status).toBe(200);
    }
    expect(faults).toEqual([]);
    expect(planted).toBeGreaterThan(100);
    expect(faulty.alive).toBe(true);
    expect(faulty.log).not.toMatch(/canary/);
    expect(faulty.log).not.toContain(admin.key);
    const metrics = await (await fetch(`${faulty.url}/metrics`)).text();
    expect(Number(/^quotidian_unhandled_errors_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(20);
  }, 240_000);

  it('that leaves the process unsound ends it with a failure, after what is under way was answered', async () => {
    const read = { method: 'GET', path: '/v1/users/me' };
    await faulty.order({ id: 'unsound', method: 'UsersService.get', kind: 'unsound' });
    const [hit, other] = await Promise.all([send(read, 'unsound'), send(read, 'bystander')]);
    expect([hit.status, other.status]).toEqual([500, 200]);
    expect(await faulty.ended()).toBe(1);
    expect(faulty.log).toMatch(/"level":"fatal".*"requestId":"unsound"/);
  });
});
