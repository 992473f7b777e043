import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Diagnosis, type Finding } from '../../src/doctor/finding';
import { run } from '../support/command';
import { makeAdmin, makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

// Every command is a process of its own.
jest.setTimeout(120_000);

describe('quotidian doctor', () => {
  let service: Service;
  let folder: string;
  let migrationGone: string;
  beforeAll(async () => {
    service = await startService();
    folder = mkdtempSync(join(tmpdir(), 'quotidian-doctor-'));
  });
  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true });
  });

  async function diagnose(environment: Record<string, string> = {}): Promise<{ code: number | null; diagnosis: Diagnosis; flaws: Finding[] }> {
    const { code, stdout, stderr } = await run(['doctor', '--json', '--timeout', '60'], {
      DATABASE_URL: service.databaseUrl,
      DATA_DIR: folder,
      NODE_ENV: 'test',
      ...environment,
    });
    expect(stderr).toBe('');
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    return { code, diagnosis, flaws: diagnosis.groups.flatMap(({ findings }) => findings.filter(({ status }) => status !== 'ok')) };
  }
  const named = (flaws: Finding[]) => flaws.map(({ check }) => check).sort();
  /** The tests' server does without it, and no day has ended yet; whether commits are fast is the machine's affair. */
  const OF_THE_TESTS = ['fsync', 'full_page_writes', 'job quota-reset', 'mode', 'log flush'];
  const ours = (flaws: Finding[]) => flaws.filter(({ check }) => !OF_THE_TESTS.includes(check));

  it('finds everything in order on a database that is, and changes nothing', async () => {
    const user = await makeUser(service);
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    await service.sql('UPDATE events SET created_at = now()');
    const before = await service.sql('SELECT count(*) FROM audit_events');
    const { diagnosis, flaws } = await diagnose();
    expect(ours(flaws)).toEqual([]);
    expect(diagnosis.groups.map(({ name, findings }) => [name, findings.length > 3])).toEqual([
      ['Configuration', true],
      ['PostgreSQL', true],
      ['Tables', true],
      ['Service', true],
    ]);
    const [{ fsync }] = await service.sql<{ fsync: string }>('SHOW fsync');
    expect(flaws.filter(({ check }) => check === 'fsync').map(({ status }) => status)).toEqual(fsync === 'on' ? [] : ['failure']);
    expect(await service.sql('SELECT count(*) FROM audit_events')).toEqual(before);
  });

  it('is asked of a running service as well: the same checks, by operators of any role, one look for all who ask', async () => {
    const [admin, viewer, user] = await Promise.all([makeAdmin(service), makeUser(service, { role: 'viewer', scopes: ['admin'] }), makeUser(service)]);
    await service.as(user).get('/v1/doctor').expect(403);
    const [{ body: seen }, { body: again }] = await Promise.all([admin, viewer].map((one) => service.as(one).get('/v1/doctor').expect(200)));
    const { diagnosis } = await diagnose();
    const checks = ({ groups }: Diagnosis) => groups.map(({ name, findings }) => [name, new Set(findings.map(({ check }) => check))]);
    expect(checks(seen as Diagnosis)).toEqual(checks(diagnosis));
    expect(again).toEqual(seen);
    // Neither the secret that signs sessions nor the one that seals values.
    expect(JSON.stringify(seen)).not.toMatch(/0001020304|1011121314/);
  });

  it('finds what is wrong, names what mends it, and ends with 2', async () => {
    const user = await makeUser(service);
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    mkdirSync(join(folder, 'secrets'), { recursive: true });
    writeFileSync(join(folder, 'secrets', 'jwt'), 'x');
    chmodSync(join(folder, 'secrets', 'jwt'), 0o644);
    const [migration] = await service.sql(`DELETE FROM migrations WHERE id = (SELECT max(id) FROM migrations) RETURNING timestamp, name`);
    migrationGone = JSON.stringify([migration]);
    await service.sql('DROP INDEX requests_user_id_id_idx');
    await service.sql(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mails_due_idx'::regclass`);
    await service.sql('UPDATE users SET api_quota_used_today = 7 WHERE id = $1', [user.id]);
    await service.sql(
      `INSERT INTO job_runs (job, trigger, status, error, started_at, finished_at) VALUES ('housekeeping', 'schedule', 'failed', 'no room', now(), now())`,
    );
    await service.sql(`INSERT INTO system_configurations (key, value, visibility) VALUES ('forgotten.flag', '1', 'internal')`);
    const { code, flaws } = await diagnose({ TRUST_PROXY: '0.0.0.0/1' });
    expect(code).toBe(2);
    expect(named(ours(flaws))).toEqual(['books', 'files with secrets', 'indexes', 'indexes', 'job housekeeping', 'migrations', 'proxy headers', 'settings']);
    const details = flaws.map(({ detail, mend }) => `${detail} → ${mend}`).join('\n');
    for (const part of [
      `chmod 600 ${join(folder, 'secrets', 'jwt')}`,
      `${String(migration.name)} → quotidian migrate`,
      'CREATE INDEX CONCURRENTLY requests_user_id_id_idx ON',
      'REINDEX INDEX CONCURRENTLY "mails_due_idx"',
      `such as ${user.id} → quotidian audit`,
      'its last run failed (no room)',
      'forgotten.flag is hidden from users',
      'TRUST_PROXY=<the network of your proxy>',
    ]) {
      expect(details).toContain(part);
    }
  });

  it('is text for people without --json, with one sign to a finding', async () => {
    const { stdout } = await run(['doctor', '--timeout', '60'], { DATABASE_URL: service.databaseUrl, DATA_DIR: folder });
    expect(stdout).toMatch(/^PostgreSQL\n {2}✓ version: PostgreSQL \d+/m);
    expect(stdout).toMatch(/^ {2}✗ books: .*\n {6}quotidian audit$/m);
  });

  it('proves a restored database whole, or names what is not: ids, secrets, books, and its age', async () => {
    const check = () =>
      run(['backup:check', '--json'], {
        DATABASE_URL: service.databaseUrl,
        DATA_DIR: folder,
        NODE_ENV: 'test',
        SECRETS_KEY: '20'.repeat(16) + '2122232425262728292a2b2c2d2e2f30',
      });
    const flawsOf = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as Diagnosis).groups.flatMap(({ findings }) =>
        findings.filter(({ status }) => status !== 'ok').map((one) => `${one.check}: ${one.detail}`),
      );
    const pending = await check();
    expect([pending.code, flawsOf(pending)]).toEqual([2, expect.arrayContaining([expect.stringContaining('migrations: 1 have not run')])]);
    const [{ timestamp, name }] = JSON.parse(migrationGone) as [{ timestamp: string; name: string }];
    await service.sql('INSERT INTO migrations (timestamp, name) VALUES ($1, $2)', [timestamp, name]);
    await service.sql(`SELECT setval(pg_get_serial_sequence('users', 'id'), 1)`);
    await service.sql(`INSERT INTO system_configurations (key, value, visibility) VALUES ('a.secret', '{"keyId":"gone","sealed":"x"}', 'secret')`);
    await service.sql(`UPDATE requests SET created_at = created_at - interval '3 hours'`);
    const found = await check();
    expect([found.code, found.stderr]).toEqual([2, '']);
    expect(flawsOf(found).filter((flaw) => !flaw.startsWith('indexes'))).toEqual([
      'ids: users gives ids that are there already',
      'secrets: 1 cannot be opened, such as a.secret',
      expect.stringMatching(/^books: they do not agree \(.*counter-and-ledger 1/),
      expect.stringMatching(/^age: the newest request is of .*, 3\.0 h ago: what users spent since is theirs again$/),
    ]);
  });

  it('reports a server that is not there, without its password, and makes no database where none is named', async () => {
    const { code, flaws } = await diagnose({ DATABASE_URL: 'postgres://quotidian:hush@127.0.0.1:1/quotidian' });
    expect([code, named(ours(flaws)).includes('connection')]).toEqual([2, true]);
    expect(JSON.stringify(flaws)).not.toContain('hush');
    const wrong = await diagnose({ TRUST_PROXY: '10.0.0.0/33', PORT: 'x' });
    expect(wrong.flaws.map(({ check, detail }) => `${check}: ${detail}`)).toEqual([expect.stringMatching(/^environment: .*PORT/)]);
    const nowhere = join(folder, 'nowhere');
    const none = await diagnose({ DATABASE_URL: '', DATA_DIR: nowhere });
    expect(none.flaws.find(({ check }) => check === 'connection')?.detail).toContain(`there is no embedded database below ${nowhere}.`);
  });
});
