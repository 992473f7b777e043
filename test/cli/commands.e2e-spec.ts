import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BooksRepository } from '../../src/ledger/books.repository';
import { run } from '../support/command';
import { runHere } from '../support/command-here';
import { makeAdmin, makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const SECRET = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

// Every command boots the whole application.
jest.setTimeout(120_000);

describe('the command line', () => {
  let service: Service;
  let folder: string;
  let environment: Record<string, string>;

  beforeAll(async () => {
    service = await startService();
    folder = mkdtempSync(join(tmpdir(), 'quotidian-cli-'));
    environment = { DATABASE_URL: service.databaseUrl, DATA_DIR: folder, PORT: new URL(service.url).port };
  }, 180_000);

  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true });
  });

  it('makes an administrator whose key and password work, prints one line of JSON, and refuses the address a second time', async () => {
    const args = ['admin:create', '--email', 'root@example.com', '--json'];
    const { code, stdout } = await run(args, { ...environment, QUOTIDIAN_ADMIN_PASSWORD: 'by the environment' });
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 1]);
    const admin = JSON.parse(stdout) as { id: number; email: string; apiKey: string };
    expect(admin).toEqual({ id: expect.any(Number), email: 'root@example.com', apiKey: expect.stringMatching(/^qtd_/) });
    await service.as(admin.apiKey).get('/v1/users').expect(200);
    await service.as().post('/v1/auth/login').send({ email: 'ROOT@example.com', password: 'by the environment' }).expect(200);
    const again = await runHere(args, environment, 'by standard input\n');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already')]);
  });

  it('takes the password from standard input without a byte order mark before it or a carriage return behind', async () => {
    const { code } = await runHere(['admin:create', '--email', 'marked@example.com', '--json'], environment, '\ufeffby standard input\r\n');
    expect(code).toBe(0);
    await service.as().post('/v1/auth/login').send({ email: 'marked@example.com', password: 'by standard input' }).expect(200);
  });

  it('makes no database where none is named, and no accounts in production unless that is meant; migrations need no secrets there', async () => {
    const nowhere = join(folder, 'nowhere');
    for (const command of ['audit', 'quota:reset', 'config:export']) {
      const { code, stdout, stderr } = await runHere([command], { DATA_DIR: nowhere });
      expect([code, stdout, stderr]).toEqual([
        1,
        '',
        expect.stringMatching(/^quotidian: DATABASE_URL is not set, and there is no embedded database below .*\n$/),
      ]);
    }
    expect(existsSync(nowhere)).toBe(false);
    const log = join(folder, 'small.log');
    writeFileSync(log, '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "test"\n');
    const production = { ...environment, NODE_ENV: 'production', JWT_SECRET: SECRET, SECRETS_KEY: SECRET };
    const refused = await runHere(['replay', log], production);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/up to 1 accounts in quotidian_test_\w+ at .*, in production\. Add --yes/)]);
    const migrated = await runHere(['migrate'], { ...environment, NODE_ENV: 'production' });
    expect([migrated.code, migrated.stdout]).toEqual([0, 'Nothing to migrate.\n']);
  });

  it('replays an access log exactly, and a second time charges nothing', async () => {
    const log = join(folder, 'access.log');
    const clients = Array.from({ length: 300 }, (_, i) => `10.0.0.${(i * i) % 23}`);
    writeFileSync(log, clients.map((client, i) => `${client} - - [10/Oct/2026:13:55:36 +0000] "GET /${i} HTTP/1.1" 200 1 "-" "test"\n`).join(''));
    const perClient = [...new Set(clients)];
    const expected = perClient.reduce((sum, client) => sum + Math.min(5, clients.filter((other) => other === client).length), 0);
    const first = await runHere(['replay', log, '--json', '--concurrency', '40'], environment);
    expect(JSON.parse(first.stdout)).toMatchObject({ hits: 300, users: perClient.length, admitted: expected, refused: 300 - expected, replayed: 0, failed: 0 });
    const second = await runHere(['replay', log, '--concurrency', '3'], environment);
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/admitted\s*│\s*0 /);
    expect(second.stdout).toMatch(new RegExp(`replayed\\)\\s*│\\s*${expected} `));
    const [ledger] = await service.sql(`SELECT count(*)::int AS rows FROM requests WHERE type = 'hit'`);
    expect(ledger).toEqual({ rows: expected });
  });

  it('proves the books, and finds every way in which they can be wrong', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    for (let i = 0; i < 3; i++) await service.as(user).post('/v1/requests').send({ type: 'search' }).expect(201);
    const clean = await run(['audit'], environment);
    expect([clean.code, clean.stdout]).toEqual([0, expect.stringMatching(/^The books agree/)]);
    const tamper = async (sql: string, undo: string) => {
      await service.sql(sql, [user.id]);
      const { clean, counts } = await service.app.get(BooksRepository).compare();
      await service.sql(undo, [user.id]);
      expect(clean).toBe(false);
      return Object.keys(counts).sort();
    };
    const set = (change: string) => `UPDATE users SET ${change} WHERE id = $1`;
    expect(await tamper(set('api_quota_used_today = 2'), set('api_quota_used_today = 3'))).toEqual(['counter-and-ledger']);
    await service.sql(set('api_quota_used_today = 2'), [user.id]);
    const { code, stdout } = await runHere(['audit', '--json'], environment);
    await service.sql(set('api_quota_used_today = 3'), [user.id]);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { clean: false, counts: { 'counter-and-ledger': 1 } }]);
    expect(await tamper(set('api_quota_requests_today = 4'), set('api_quota_requests_today = 3'))).toEqual(['requests-and-ledger']);
    expect(await tamper(set('api_quota_refunded_today = 1'), set('api_quota_refunded_today = 0'))).toEqual(['refunds-and-ledger']);
    const insert = 'INSERT INTO quota_usage (user_id, date, quota, used, requests) VALUES ($1, current_date - 9, 5, 1, 1)';
    expect(await tamper(insert, 'DELETE FROM quota_usage WHERE user_id = $1')).toEqual(['history-and-ledger']);
    const limit = (units: number) =>
      `UPDATE requests SET limit_at_charge = ${units}, cost = ${units === 5 ? 1 : 2}, used_at_charge = used_at_charge ${units === 5 ? '- 1' : '+ 1'} WHERE user_id = $1`;
    expect(await tamper(limit(4), limit(5))).toContain('over-admitted');
    const chain = (sign: string) => `UPDATE requests SET used_at_charge = used_at_charge ${sign} 1 WHERE user_id = $1`;
    expect(await tamper(chain('+'), chain('-'))).toEqual(['charged-out-of-line']);
    expect((await service.app.get(BooksRepository).compare()).clean).toBe(true);
  });

  it('proves the books with a role that may not make temporary tables, too', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    await service.as(user).post('/v1/requests').send({ type: 'search' }).expect(201);
    const [{ database }] = await service.sql<{ database: string }>('SELECT current_database() AS database');
    const role = `auditor_${database.slice(-12)}`;
    await service.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'plain'`);
    await service.sql(`REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC`);
    await service.sql(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`);
    await service.sql(`GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
    const asRole = { ...environment, DATABASE_URL: service.databaseUrl.replace(/\/\/[^/@]*@/, `//${role}:plain@`) };
    try {
      const clean = await runHere(['audit', '--json'], asRole);
      expect([clean.stderr, clean.code]).toEqual(['', 0]);
      const set = (used: number) => service.sql('UPDATE users SET api_quota_used_today = $2 WHERE id = $1', [user.id, used]);
      await set(4);
      const tampered = await runHere(['audit', '--json'], asRole);
      await set(1);
      expect([tampered.code, JSON.parse(tampered.stdout)]).toMatchObject([1, { counts: { 'counter-and-ledger': 1 } }]);
    } finally {
      await service.sql(`DROP OWNED BY ${role}`);
      await service.sql(`DROP ROLE ${role}`);
    }
  });

  it('closes out days for an external cron', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    await service.as(user).post('/v1/requests').send({ type: 'search' }).expect(201);
    await service.sql('UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1', [user.id]);
    await service.sql('UPDATE requests SET charged_on = charged_on - 1 WHERE user_id = $1', [user.id]);
    const { code, stdout } = await runHere(['quota:reset', '--json'], environment);
    expect([code, JSON.parse(stdout)]).toEqual([0, { closedOut: 1 }]);
    expect(await service.sql('SELECT used, requests FROM quota_usage WHERE user_id = $1', [user.id])).toEqual([{ used: 1, requests: 1 }]);
    expect(JSON.parse((await runHere(['quota:reset', '--json'], environment)).stdout)).toEqual({ closedOut: 0 });
    expect((await service.app.get(BooksRepository).compare()).clean).toBe(true);
  });

  it('states how it is called, with exit codes that scripts can use', async () => {
    const help = await run(['--help'], {});
    for (const command of [
      'serve',
      'migrate',
      'quota:reset',
      'admin:create',
      'audit',
      'replay',
      'config:export',
      'config:apply',
      'secrets:rotate',
      'openapi',
    ]) {
      expect(help.stdout).toContain(`\n  ${command}`);
    }
    const [audit, replay, unknown, incomplete] = await Promise.all(
      [['audit', '--help'], ['replay', '--help'], ['no-such-command'], ['replay']].map((args) => run(args, {})),
    );
    expect([help.code, audit.code, replay.code, unknown.code, incomplete.code]).toEqual([0, 0, 0, 2, 2]);
    expect(audit.stdout).toContain('Usage: quotidian audit');
    const missing = await run(['replay', join(folder, 'no-such-file')], environment);
    expect([missing.code, missing.stderr.split('\n').length]).toEqual([1, 2]);
  });

  describe('for operators', () => {
    let here: (...args: string[]) => ReturnType<typeof runHere>;
    beforeAll(async () => {
      const { key } = await makeAdmin(service);
      here = (...args) => runHere(args, { QUOTIDIAN_URL: service.url, QUOTIDIAN_API_KEY: key });
    });

    it('lists, filters and changes over HTTP: users by id, address or external id; tables for people, JSON for programs', async () => {
      const { id, email } = await makeUser(service, { dailyQuota: 5 });
      const changed = await here('users', 'update', email, '--external-id', 'crm-7', '--daily-quota', '9', '--json');
      expect([changed.stderr, changed.code, JSON.parse(changed.stdout)]).toMatchObject(['', 0, { id, externalId: 'crm-7', dailyQuota: 9 }]);
      const table = await here('users', 'list', '--external-id', 'crm-7');
      expect(table.stdout).toMatch(/│ id +│ email .*\n│ \d+ +│ user-/);
      for (const named of [String(id), email.toUpperCase(), 'external:crm-7']) {
        expect(JSON.parse((await here('quotas', 'get', named, '--json')).stdout)).toMatchObject({ limit: 9 });
      }
      const all = await here('users', 'list', '--limit', '1', '--all', '--json');
      const page = JSON.parse((await here('users', 'list', '--limit', '100', '--json')).stdout) as { items: object[] };
      expect(
        all.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toEqual(page.items);
      expect((await here('users', 'list', '--limit', '1')).stdout).toMatch(/There are more: --all, or --cursor \S+\n$/);
      const nobody = await here('quotas', 'get', 'nobody@example.com');
      expect([nobody.code, nobody.stderr]).toEqual([1, 'quotidian: there is no user nobody@example.com.\n']);
    });

    it('does an evening of work: plans, keys, overrides, requests, settings, jobs and webhooks', async () => {
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await here(...args, '--json');
        expect([args.slice(0, 2), code, stderr.replace(/^quotidian: .* on http:\/\/127\.0\.0\.1:\d+\.\n$/, '')]).toEqual([args.slice(0, 2), 0, '']);
        return JSON.parse(stdout);
      };
      const user = await makeUser(service, { dailyQuota: 5 });
      expect(await json('tiers', 'create', '--name', 'team', '--daily-quota', '40')).toMatchObject({ name: 'team', dailyQuota: 40 });
      expect(await json('tiers', 'update', 'team', '--unlimited', '--yes')).toMatchObject({ unlimited: true });
      const { id, key } = await json('keys', 'create', user.email, '--name', 'cli', '--scopes', 'requests:write,quota:read');
      await service
        .as(key as string)
        .post('/v1/requests')
        .send({ type: 'x' })
        .expect(201);
      expect(await json('keys', 'revoke', user.email, String(id), '--yes')).toBeNull();
      const override = await json('overrides', 'set', user.email, '--daily-quota', '50', '--expires-at', '+2h', '--reason', 'launch');
      expect(override).toMatchObject({ limit: 50, override: { reason: 'launch' } });
      const [request] = (await json('requests', 'list', '--user', user.email, '--since', '-1h')).items;
      expect(await json('requests', 'cancel', request.id as string, '--yes')).toMatchObject({ status: 'canceled' });
      expect(await json('quotas', 'reset', user.email, '--reason', 'outage', '--yes')).toMatchObject({ used: 0 });
      expect(await json('settings', 'create', 'cli.limits', '{"small":[1,2]}', '--visibility', 'public')).toMatchObject({ value: { small: [1, 2] } });
      expect(await json('settings', 'set', 'cli.limits', 'plain text')).toMatchObject({ value: 'plain text', visibility: 'public', version: 2 });
      expect(await json('settings', 'rollback', 'cli.limits', '1', '--yes')).toMatchObject({ value: { small: [1, 2] }, version: 3 });
      expect(await json('jobs', 'run', 'housekeeping')).toEqual({ affected: expect.any(Number) });
      const endpoint = await json('webhooks', 'create', '--url', 'https://hooks.example.com/q', '--events', 'request.*,tier.changed');
      expect(endpoint).toMatchObject({ scope: 'all', events: ['request.*', 'tier.changed'], secret: expect.stringMatching(/^whsec_/) });
      expect(await json('webhooks', 'update', String(endpoint.id), '--no-enabled')).toMatchObject({ enabled: false });
      expect((await json('audit-log', 'list', '--limit', '1')).items).toMatchObject([{ action: 'webhook-endpoint.update', actor: { kind: 'key' } }]);
    });

    it('asks before what could hurt, and names where; without a terminal only --yes goes on', async () => {
      const { id, email } = await makeUser(service);
      const refused = await here('users', 'delete', String(id));
      expect([refused.code, refused.stderr]).toEqual([
        1,
        `quotidian: users delete ${id} removes the account with its keys and sessions, on ${service.url}. Add --yes if that is meant.\n`,
      ]);
      expect(await service.sql('SELECT 1 FROM users WHERE email = $1', [email])).toHaveLength(1);
      const done = await here('users', 'delete', String(id), '--yes');
      expect([done.code, done.stdout, done.stderr]).toEqual([0, 'Done.\n', expect.stringContaining(`on ${service.url}.`)]);
    });

    it('names what is wrong in one line: flags, files, variables, and what the service refuses', async () => {
      const empty = join(folder, 'empty-key');
      writeFileSync(empty, '\n');
      const wrong: [string[], number, RegExp, Record<string, string>?][] = [
        [['users', 'list', '--limit', 'x'], 2, /--limit <number>' argument 'x' is invalid. It must be a whole number of at least 1/],
        [['users', 'list', '--status', 'gone'], 2, /It must be one of active, suspended/],
        [['requests', 'list', '--since', 'yesterday'], 2, /It must be an instant such as/],
        [['settings', 'set', 'quota.timeZone', '{'], 2, /It is no JSON/],
        [['users', 'update', '1', '--metadata', `@${join(folder, 'none')}`], 2, /It cannot be read: ENOENT/],
        [['users', 'nonsense'], 2, /unknown command 'nonsense'/],
        [['users', 'get'], 2, /missing required argument 'user'/],
        [['settings', 'set', 'quota.timeZone', 'Europe/Nowhere'], 1, /^quotidian: <value> must match format "iana-time-zone"\.\n$/],
        [['users', 'update', '1', '--time-zone', 'Nowhere'], 1, /^quotidian: --time-zone .*\n$/],
        [['jobs', 'run', 'nothing'], 1, /^quotidian: There is no such job.*\n$/],
        [['users', 'list', '--key-file', join(folder, 'none')], 1, /^quotidian: --key-file \S+ cannot be read: ENOENT.*\n$/],
        [['users', 'list', '--key-file', empty], 1, /^quotidian: --key-file \S+ is empty\.\n$/],
        [['users', 'list'], 1, /^quotidian: QUOTIDIAN_API_KEY is not set.*\n$/, { QUOTIDIAN_API_KEY: '' }],
        [['users', 'list'], 1, /^quotidian: QUOTIDIAN_API_KEY holds something else than one API key\.\n$/, { QUOTIDIAN_API_KEY: 'a b' }],
        [['users', 'list'], 1, /^quotidian: .*\n$/, { QUOTIDIAN_API_KEY: 'qtd_wrong' }],
        [['users', 'list'], 1, /^quotidian: QUOTIDIAN_URL cannot be used\. It must hold no user.*\n$/, { QUOTIDIAN_URL: 'https://u:hush@example.com' }],
        [['users', 'list'], 1, /^quotidian: http:\/\/127\.0\.0\.1:9 cannot be reached \(.*\)\.\n$/, { QUOTIDIAN_URL: 'http://127.0.0.1:9' }],
      ];
      for (const [args, code, message, variables = {}] of wrong) {
        const finished = await runHere(args, { QUOTIDIAN_URL: service.url, QUOTIDIAN_API_KEY: 'qtd_any', ...variables });
        const got = code === 1 && variables.QUOTIDIAN_URL === undefined && variables.QUOTIDIAN_API_KEY === undefined ? await here(...args) : finished;
        expect([args, got.code, got.stdout]).toEqual([args, code, '']);
        expect(got.stderr).toMatch(message);
        expect(got.stderr).not.toContain('hush');
      }
    });

    it('works straight on the database, by the same commands: passwords by standard input, and the command line in the audit log', async () => {
      const made = await run(['users', 'create', '--email', 'night@example.com', '--daily-quota', '3', '--json'], environment, 'by standard input\n');
      expect([made.stderr, made.code]).toEqual(['', 0]);
      const { id } = JSON.parse(made.stdout) as { id: number };
      await service.as().post('/v1/auth/login').send({ email: 'night@example.com', password: 'by standard input' }).expect(200);
      const refused = await runHere(['users', 'delete', 'night@example.com'], environment);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/^quotidian: users delete \S+ removes .*, on quotidian_test_\w+ at .*\. Add --yes .*\n$/),
      ]);
      const removed = await runHere(['users', 'delete', 'night@example.com', '--yes'], environment);
      expect([removed.code, removed.stdout]).toEqual([0, 'Done.\n']);
      expect(
        await service.sql(`SELECT action, actor_kind, actor_id FROM audit_events WHERE target_kind = 'user' AND target_id = $1 ORDER BY id`, [String(id)]),
      ).toEqual(['user.create', 'user.delete'].map((action) => ({ action, actor_kind: 'command', actor_id: null })));
    });
  });
});
