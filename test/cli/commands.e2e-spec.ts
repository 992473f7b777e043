import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BooksRepository } from '../../src/ledger/books.repository';
import { run } from '../support/command';
import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const SECRET = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';

// Every command is a process that boots the whole application.
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
    const again = await run(args, environment, 'by standard input\n');
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already')]);
  });

  it('takes the password from standard input without a byte order mark before it or a carriage return behind', async () => {
    const { code } = await run(['admin:create', '--email', 'marked@example.com', '--json'], environment, '\ufeffby standard input\r\n');
    expect(code).toBe(0);
    await service.as().post('/v1/auth/login').send({ email: 'marked@example.com', password: 'by standard input' }).expect(200);
  });

  it('makes no database where none is named, and no accounts in production unless that is meant; migrations need no secrets there', async () => {
    const nowhere = join(folder, 'nowhere');
    for (const command of ['audit', 'quota:reset', 'config:export']) {
      const { code, stdout, stderr } = await run([command], { DATA_DIR: nowhere });
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
    const refused = await run(['replay', log], production);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/up to 1 accounts in quotidian_test_\w+ at .*, in production\. Add --yes/)]);
    const migrated = await run(['migrate'], { ...environment, NODE_ENV: 'production' });
    expect([migrated.code, migrated.stdout]).toEqual([0, 'Nothing to migrate.\n']);
  });

  it('replays an access log exactly, and a second time charges nothing', async () => {
    const log = join(folder, 'access.log');
    const clients = Array.from({ length: 300 }, (_, i) => `10.0.0.${(i * i) % 23}`);
    writeFileSync(log, clients.map((client, i) => `${client} - - [10/Oct/2026:13:55:36 +0000] "GET /${i} HTTP/1.1" 200 1 "-" "test"\n`).join(''));
    const perClient = [...new Set(clients)];
    const expected = perClient.reduce((sum, client) => sum + Math.min(5, clients.filter((other) => other === client).length), 0);
    const first = await run(['replay', log, '--json', '--concurrency', '40'], environment);
    expect(JSON.parse(first.stdout)).toMatchObject({ hits: 300, users: perClient.length, admitted: expected, refused: 300 - expected, replayed: 0, failed: 0 });
    const second = await run(['replay', log, '--concurrency', '3'], environment);
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
    const { code, stdout } = await run(['audit', '--json'], environment);
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
      const clean = await run(['audit', '--json'], asRole);
      expect([clean.stderr, clean.code]).toEqual(['', 0]);
      const set = (used: number) => service.sql('UPDATE users SET api_quota_used_today = $2 WHERE id = $1', [user.id, used]);
      await set(4);
      const tampered = await run(['audit', '--json'], asRole);
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
    const { code, stdout } = await run(['quota:reset', '--json'], environment);
    expect([code, JSON.parse(stdout)]).toEqual([0, { closedOut: 1 }]);
    expect(await service.sql('SELECT used, requests FROM quota_usage WHERE user_id = $1', [user.id])).toEqual([{ used: 1, requests: 1 }]);
    expect(JSON.parse((await run(['quota:reset', '--json'], environment)).stdout)).toEqual({ closedOut: 0 });
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
});
