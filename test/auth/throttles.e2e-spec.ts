import { HealingClient } from '../../src/database/healing-client';
import { Attempts } from '../../src/passwords/attempts';
import { FairQueue } from '../../src/passwords/fair-queue';
import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeUser, PASSWORD, PASSWORD_HASH, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';
import { logIn } from '../support/sessions';

promisesByTheClock();

const WRONG = 'not the password';

describe('password checks', () => {
  let service: Service;
  beforeAll(async () => {
    // Each test states where its calls come from.
    service = await startService({ environment: { TRUST_PROXY: '1' } });
  });
  afterAll(() => service.close());

  const login = (from: string, email: string, password: string, replica: Replica = service) =>
    replica.as().post('/v1/auth/login').set('x-forwarded-for', from).send({ email, password });
  const count = (answers: { status: number }[], status: number) => answers.filter((answer) => answer.status === status).length;

  it.each([
    ['ports', (i: number) => `198.51.100.7:${50_000 + i}`],
    ['addresses of a /64', (i: number) => `2001:db8:7:7::${i.toString(16)}`],
    ['brackets, ports and quotes', (i: number) => [`"[2001:db8:7:8::${i}]:${i}"`, `[2001:db8:7:8::${i}]`, `2001:DB8:7:8:0:0:0:${i}`][i % 3]],
    ['wrapped IPv4', (i: number) => ['::ffff:198.51.100.8', '198.51.100.8', '[::FFFF:c633:6408]:1', '198.51.100.8:1'][i % 4]],
    ['what is no address', (i: number) => `made up ${i}`],
    ['a forged address before that of the proxy', (i: number) => `203.0.113.${i}, 198.51.100.9`],
  ])('count one network as one: %s', async (_, from) => {
    const { email } = await makeUser(service);
    const answers = [];
    for (let i = 0; i < 14; i++) answers.push(await login(from(i), email, WRONG));
    expect([count(answers, 401), count(answers, 429)]).toEqual([10, 4]);
    const { body, headers } = answers[13];
    expect(body.code).toBe('too-many-attempts');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  it('find proxies by CIDRs, though one writes the port of the next', async () => {
    const replica = await startReplica(service.databaseUrl, { TRUST_PROXY: '127.0.0.0/8, ::1, 10.0.0.0/8' });
    const { email } = await makeUser(service);
    for (let i = 0; i < 12; i++) await login(`198.51.100.${i}:40, 10.0.0.2:${4_000 + i}`, email, WRONG, replica).expect(401);
    for (let i = 0; i < 10; i++) await login(`203.0.113.${i}, 198.51.100.99, [::ffff:10.0.0.2]:80`, email, WRONG, replica).expect(401);
    await login('198.51.100.99', email, WRONG, replica).expect(429);
    await replica.close();
    await expect(startReplica(service.databaseUrl, { TRUST_PROXY: '10.0.0.0/99' })).rejects.toThrow(/TRUST_PROXY.*10\.0\.0\.0\/99/);
  });

  it('let the owner in after 150 failures of others, where they were before and where they never were', async () => {
    const { email } = await makeUser(service);
    await login('192.0.2.1', email, PASSWORD).expect(200);
    for (let i = 0; i < 150; i += 30) {
      const answers = await Promise.all(Array.from({ length: 30 }, (_, j) => login(`203.0.${i}.${j}`, email, WRONG)));
      expect(count(answers, 401)).toBe(30);
    }
    await login('192.0.2.1', email, PASSWORD).expect(200);
    await login('192.0.2.2', email, PASSWORD).expect(200);
  });

  const guesses: [string, number, (user: TestUser, token: string, currentPassword: string) => ReturnType<typeof login>][] = [
    ['PUT of a password', 403, (_, token, currentPassword) => service.as(token).put('/v1/users/me/password').send({ currentPassword, newPassword: PASSWORD })],
    [
      'PATCH of an address',
      403,
      ({ id }, token, currentPassword) =>
        service
          .as(token)
          .patch('/v1/users/me')
          .send({ email: `new-${id}@example.com`, currentPassword }),
    ],
    [
      'preview of that PATCH',
      403,
      ({ id }, token, currentPassword) =>
        service
          .as(token)
          .patch('/v1/users/me?dryRun=true')
          .send({ email: `new-${id}@example.com`, currentPassword }),
    ],
  ];
  it.each(guesses)('throttle a %s too, and not its owner elsewhere', async (_, status, guess) => {
    const user = await makeUser(service);
    const { accessToken } = await logIn(service, user);
    const answers = await Promise.all(Array.from({ length: 40 }, () => guess(user, accessToken, WRONG).set('x-forwarded-for', '198.51.100.50')));
    expect([count(answers, status), count(answers, 429)]).toEqual([10, 30]);
    expect((await guess(user, accessToken, PASSWORD).set('x-forwarded-for', '198.51.100.50')).status).toBe(429);
    expect((await guess(user, accessToken, PASSWORD).set('x-forwarded-for', '198.51.100.51')).status).toBeLessThan(300);
  });

  it.each(['from one network', 'at one account'])('of a neighbour do not wait behind a flood %s', async (kind) => {
    const user = await makeUser(service);
    const octet = kind === 'at one account' ? 40 : 41;
    let answered = 0;
    const flood = Array.from({ length: 120 }, async (_, i) => {
      const { status } = await login(
        kind === 'at one account' ? `10.${octet}.${i}.1` : '10.41.0.1',
        kind === 'at one account' ? 'target@example.com' : `nobody-${i}@example.com`,
        WRONG,
      );
      answered++;
      return status;
    });
    await eventually(() => answered >= 3);
    await login('192.0.2.77', user.email, PASSWORD).expect(200);
    expect(answered).toBeLessThan(60);
    expect(new Set(await Promise.all(flood))).toEqual(new Set([401]));
  });

  it('let whoever logs in from an address for the first time get through beside a flood of guesses at many accounts from there', async () => {
    const [user, other] = await Promise.all([makeUser(service), makeUser(service)]);
    const network = '10.42.0.1';
    // What a network may fail at once is used up.
    const wrong = () => Promise.resolve(false);
    await Promise.all(Array.from({ length: 100 }, (_, i) => service.app.get(Attempts).make({ account: `used-up-${i}@example.com`, network }, wrong)));
    let answered = 0;
    let over = false;
    const flood = Array.from({ length: 12 }, async (_, i) => {
      const seen = new Set<number>();
      for (let n = 0; !over; n++, answered++) seen.add((await login(network, `made-up-${i}-${n}@example.com`, WRONG)).status);
      return [...seen];
    });
    await eventually(() => answered >= 3);
    const before = answered;
    const mine = login(network, user.email, PASSWORD).expect(200);
    // Nobody elsewhere notices.
    await login('192.0.2.78', other.email, PASSWORD).expect(200);
    await mine;
    expect(answered - before).toBeLessThanOrEqual(2 * 12);
    over = true;
    for (const seen of await Promise.all(flood)) expect(seen).toEqual([401]);
  });

  it('do the same for an unknown address, a wrong password, a suspended, a deleted and an unusable account', async () => {
    const [wrong, suspended, deleted, unusable, costly] = await Promise.all(Array.from({ length: 5 }, () => makeUser(service)));
    await service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [suspended.id]);
    await service.sql(`UPDATE users SET status = 'deleted' WHERE id = $1`, [deleted.id]);
    await service.sql(`UPDATE users SET password_hash = '!' WHERE id = $1`, [unusable.id]);
    // 1 GiB and 90 passes: no row that another program wrote takes the process's memory.
    await service.sql(`UPDATE users SET password_hash = replace($2, 'm=19456,t=2', 'm=1048576,t=90') WHERE id = $1`, [costly.id, PASSWORD_HASH]);
    const statements = jest.spyOn(HealingClient.prototype, 'query' as never);
    const hashes = jest.spyOn(FairQueue.prototype, 'run');
    const seen: unknown[] = [];
    for (const [email, password] of [
      ['nobody@example.com', PASSWORD],
      [wrong.email, WRONG],
      [suspended.email, PASSWORD],
      [deleted.email, PASSWORD],
      [unusable.email, PASSWORD],
      [costly.email, PASSWORD],
    ] as const) {
      // The service has statements of its own meanwhile, so the fewest of several logins count.
      const counts: number[][] = [];
      for (let i = 0; i < 4; i++) {
        statements.mockClear();
        hashes.mockClear();
        expect((await login('192.0.2.90', email, password).expect(401)).body.code).toBe('login-refused');
        counts.push([statements.mock.calls.length, hashes.mock.calls.length]);
      }
      seen.push([0, 1].map((of) => Math.min(...counts.map((count) => count[of] ?? 0))));
    }
    statements.mockRestore();
    hashes.mockRestore();
    expect(seen).toEqual(seen.map(() => [1, 1]));
  });

  it('take addresses that other programs wrote, and refuse what no column holds by its name', async () => {
    await service.sql(`INSERT INTO users (email, password_hash) VALUES ('müller@example.com', $1)`, [PASSWORD_HASH]);
    await login('192.0.2.91', 'müller@example.com', PASSWORD).expect(200);
    await login('192.0.2.91', 'müller@EXAMPLE.com', PASSWORD).expect(200);
    for (const email of ['', 'a\0b', 'x'.repeat(256), 7]) {
      const { body } = await login('192.0.2.91', email as string, PASSWORD).expect(400);
      expect(body.code).toMatch(/^validation-failed$|^invalid-json$|^unstorable-value$/);
    }
  });

  it.each(['login', 'register'])('refuse a long password before they hash it: %s', async (route) => {
    const hashes = jest.spyOn(FairQueue.prototype, 'run');
    const answer = await service
      .as()
      .post(`/v1/auth/${route}`)
      .send({ email: 'long@example.com', password: 'p'.repeat(255_000) });
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([400, '#/password']);
    expect(hashes).not.toHaveBeenCalled();
    hashes.mockRestore();
  });
});
