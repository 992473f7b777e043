import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Command, run } from '../support/command';
import { runHere } from '../support/command-here';
import { eventually } from '../support/eventually';
import { type Service, startService } from '../support/service';

// Every command boots the whole application.
jest.setTimeout(120_000);

const line = (head: string, path = '/', agent = 'test') => `${head} [10/Oct/2026:13:55:36 +0000] "GET ${path} HTTP/1.1" 200 1 "-" "${agent}"\n`;

describe('a replay', () => {
  let service: Service;
  let folder: string;
  let environment: Record<string, string>;
  let files = 0;
  beforeAll(async () => {
    service = await startService();
    folder = mkdtempSync(join(tmpdir(), 'quotidian-replay-'));
    environment = { DATABASE_URL: service.databaseUrl, DATA_DIR: folder, PORT: new URL(service.url).port };
  }, 180_000);
  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true });
  });

  const write = (content: string | Buffer): string => {
    const file = join(folder, `log-${++files}`);
    writeFileSync(file, content);
    return file;
  };
  /** Accounts that a replay made for itself and that still are there. */
  const left = async () =>
    (await service.sql<{ n: number }>(`SELECT count(*)::int AS n FROM users WHERE email ~ '^[0-9a-f-]{36}@replay' AND status <> 'deleted'`))[0].n;
  const unitsOf = async (name: string) =>
    (await service.sql<{ used: number }>(`SELECT api_quota_used_today AS used FROM users WHERE email = $1`, [`${name}@replay.quotidian.local`]))[0]?.used;

  it('finds the clients of a packed log behind virtual hosts and ports, submits a line of 300 kB, and states what it skipped', async () => {
    const text = [
      line('www.shop.test:443 198.51.100.1 - -'),
      line('198.51.100.77:50001 - -'),
      line('198.51.100.77:50002 - frank smith'),
      line('[2001:db8::5]:443 - -'),
      line('2001:DB8:0::5 - -'),
      line('a:b - -'),
      line('a_b - -'),
      line('198.51.100.9 - -', `/${'x'.repeat(300_000)}`, 'y'.repeat(300_000)),
      'no hit at all\u0007\n',
      '{"remote_addr":"198.51.100.1","request":"GET / HTTP/1.1","status":200}\n',
      '{"level":30}\n',
    ].join('');
    const { code, stdout, stderr } = await run(['replay', write(gzipSync(text)), '--json'], environment);
    expect([stderr, code]).toEqual(['', 0]);
    expect(JSON.parse(stdout)).toMatchObject({
      hits: 9,
      users: 6,
      admitted: 9,
      failed: 0,
      skipped: 2,
      skippedBy: { 'no access log': 1, 'JSON without a client': 1 },
      firstSkipped: 'line 9: no hit at all?',
      interrupted: false,
    });
    expect(await Promise.all(['198.51.100.1', '198.51.100.77', '2001_db8__5', '198.51.100.9'].map(unitsOf))).toEqual([2, 2, 2, 1]);
    expect(await left()).toBe(0);
  });

  it('begins where its checkpoint is: what was answered is not submitted again, and what came to the log since is', async () => {
    const [log, checkpoint] = [write(line('198.51.100.30 - -').repeat(3)), join(folder, 'checkpoint')];
    const replayed = async () => JSON.parse((await runHere(['replay', log, '--json', '--checkpoint', checkpoint], environment)).stdout);
    expect(await replayed()).toMatchObject({ hits: 3, admitted: 3, resumedAfter: 0 });
    writeFileSync(log, line('198.51.100.30 - -').repeat(4));
    expect(await replayed()).toMatchObject({ hits: 1, admitted: 1, replayed: 0, resumedAfter: 3 });
    for (const [text, message] of [
      ['{"log":"replay-1-other","line":1}', /^quotidian: --checkpoint \S+ is of another log/],
      ['nonsense', /^quotidian: --checkpoint \S+ holds something else than a checkpoint/],
    ] as const) {
      writeFileSync(checkpoint, text);
      const { code, stderr } = await runHere(['replay', log, '--checkpoint', checkpoint], environment);
      expect([code, stderr.trim().split('\n').length]).toEqual([1, 1]);
      expect(stderr).toMatch(message);
    }
  });

  it('replays what standard input states, of one line without its end', async () => {
    const { code, stdout } = await run(['replay', '-', '--json'], environment, line('198.51.100.200 - -').trim());
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { hits: 1, admitted: 1 }]);
  });

  it('of a file with nothing to replay fails with one line that states why', async () => {
    const cases: [file: string, message: RegExp][] = [
      [write(''), /it is empty/],
      [write(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2])), /is binary/],
      [write('hello\nworld\n'), /none of its 2 lines is in the combined or common format, or JSON of an access log \(line 1: hello\)/],
      [write(gzipSync('x'.repeat(100_000)).subarray(0, 60)), /cannot be unpacked/],
      [folder, /EISDIR/],
      [join(folder, 'none'), /^quotidian: ENOENT/],
    ];
    for (const [file, message] of cases) {
      const { code, stdout, stderr } = await runHere(['replay', file], environment);
      expect([code, stdout, stderr.trim().split('\n').length]).toEqual([1, '', 1]);
      expect(stderr).toMatch(message);
    }
    expect(await left()).toBe(0);
  });

  it('to an address that is none, where nobody is, or to the service of another database states so, and leaves nothing behind', async () => {
    const log = write(line('198.51.100.1 - -'));
    const wrong = await runHere(['replay', log, '--url', 'nonsense'], environment);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/^error: option '--url <url>' argument 'nonsense' is invalid\. It must be a URL/);
    const nobody = await run(['replay', log, '--url', 'http://127.0.0.1:1'], environment);
    expect([nobody.code, nobody.stderr]).toEqual([1, 'quotidian: The service cannot be reached (ECONNREFUSED).\n']);
    const other = await startService();
    const elsewhere = await runHere(['replay', log, '--url', other.url], environment).finally(() => other.close());
    expect([elsewhere.code, elsewhere.stderr]).toEqual([1, 'quotidian: The service works on another database than this command.\n']);
    expect(await left()).toBe(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that %s stops states what it did, ends with %i, and leaves no account behind', async (signal, expected) => {
    const log = write(Array.from({ length: 50_000 }, (_, i) => line(`203.0.113.${i % 250} - -`, `/${signal}/${i}`)).join(''));
    const command = new Command(['replay', log, '--json', '--concurrency', '2', '--quota', '100000'], environment);
    const hits = async () =>
      (await service.sql<{ n: number }>(`SELECT count(*)::int AS n FROM requests WHERE payload ->> 'path' LIKE $1`, [`/${signal}/%`]))[0].n;
    await eventually(async () => (await hits()) > 10, 60_000);
    expect(await left()).toBe(1);
    command.child.kill(signal);
    const { code, stdout } = await command.finished();
    expect(code).toBe(expected);
    const report = JSON.parse(stdout) as { interrupted: boolean; admitted: number; failed: number };
    expect(report).toMatchObject({ interrupted: true, failed: 0 });
    expect(report.admitted).toBe(await hits());
    expect(await left()).toBe(0);
  });
});

describe('a database that is none', () => {
  it.each([
    [['migrate'], 'nonsense'],
    [['serve'], 'nonsense'],
    [['admin:create', '--email', 'a@example.com'], 'nonsense'],
    [['audit'], 'postgres://u:hidden@[::1'],
    [['audit'], 'postgres://u:hidden@127.0.0.1:1/db'],
  ])('is reported of in one line by %s with %s', async (args, url) => {
    const { code, stderr } = await run(args, { DATABASE_URL: url, QUOTIDIAN_ADMIN_PASSWORD: 'correct horse battery' });
    expect([code, stderr.trim().split('\n')]).toEqual([1, [expect.stringMatching(/^quotidian: /)]]);
    expect(stderr).not.toContain('hidden');
  });
});
