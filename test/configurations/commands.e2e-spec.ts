import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, run } from '../support/command';
import { runHere } from '../support/command-here';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { clientOf } from '../support/other-process';
import { type Service, startService } from '../support/service';
import { defineKey } from '../support/settings';

const SECRETS_KEY = '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f';

// Each command boots the application.
jest.setTimeout(120_000);

describe('settings on the command line', () => {
  let service: Service;
  let admin: TestUser;
  let folder: string;
  let environment: Record<string, string>;
  beforeAll(async () => {
    service = await startService({ environment: { SECRETS_KEY } });
    admin = await makeAdmin(service);
    folder = mkdtempSync(join(tmpdir(), 'quotidian-settings-'));
    environment = { DATABASE_URL: service.databaseUrl, DATA_DIR: folder, SECRETS_KEY };
  }, 180_000);
  afterAll(async () => {
    await service.close();
    rmSync(folder, { recursive: true });
  });

  const apply = (text: string, flags: string[] = [], by = runHere) => {
    const file = join(folder, 'settings.yaml');
    writeFileSync(file, text);
    return by(['config:apply', file, ...flags], environment);
  };
  const get = async (key: string) => (await service.as(admin).get(`/v1/configurations/${key}`)).body;

  it('are exported and applied as one file: idempotent, all or nothing, with a diff, and without secrets', async () => {
    await defineKey(service, admin, 'cli.greeting', {
      value: 'hello: "you"',
      schema: { type: 'string' },
      description: 'A greeting.',
      visibility: 'public',
      overridable: true,
      bounds: { maxLength: 20 },
    });
    await defineKey(service, admin, 'cli.token', { value: 'canary-token', visibility: 'secret', description: 'A token.' });
    await service.as(admin).put('/v1/configurations/quota.timeZone').set('if-match', '*').send({ value: 'Europe/Berlin' }).expect(200);
    const user = await makeUser(service);
    await service.as(user).put('/v1/users/me/configurations/cli.greeting').set('if-match', '*').send({ value: 'good evening' }).expect(200);

    const exported = await run(['config:export'], environment);
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(exported.stdout).not.toContain('canary');
    expect(exported.stdout).toMatch(/quota\.timeZone:\n {4}value: Europe\/Berlin/);
    expect(await apply(exported.stdout, [], run)).toMatchObject({ code: 0, stdout: 'Nothing to change.\n' });

    const changed =
      exported.stdout.replace('Europe/Berlin', 'Asia/Tokyo').replace('maxLength: 20', 'maxLength: 5').replace('A token.', 'The token.') +
      '  cli.new:\n    value: [1, 2]\n';
    const trial = await apply(changed, ['--dry-run']);
    expect(trial).toMatchObject({ code: 0, stderr: '' });
    expect(trial.stdout).toBe(
      [
        '~ cli.greeting',
        '    bounds/maxLength: 20 -> 5',
        "    ! 1 users' own values do not count as they are after this",
        '+ cli.new',
        '    value: (none) -> [1,2]',
        '~ cli.token',
        '    description: "A token." -> "The token."',
        '~ quota.timeZone',
        '    value: "Europe/Berlin" -> "Asia/Tokyo"',
        '4 settings would change.\n',
      ].join('\n'),
    );
    expect(await get('quota.timeZone')).toMatchObject({ value: 'Europe/Berlin', version: 1 });
    expect((await apply(changed, ['--reason', 'spring'])).stdout).toBe(trial.stdout.replace('would change', 'changed'));
    expect((await service.as(admin).get('/v1/configurations/quota.timeZone/history')).body.items[0]).toMatchObject({ author: null, reason: 'spring' });

    const broken = changed.replace('Asia/Tokyo', 'Mars/Olympus').replace('[1, 2]', '3') + '  cli.bare: {}\n';
    const refused = await apply(broken);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/#\/settings\/cli\.bare\/value: is missing\n.*#\/settings\/quota\.timeZone\/value: must match format/);
    expect(await get('cli.new')).toMatchObject({ value: [1, 2], version: 1 });

    const pruned = await apply('settings:\n  cli.new:\n    value: [1, 2]\n', ['--prune']);
    expect(pruned.stdout).toMatch(
      /^- cli\.greeting\n[^]*- cli\.token\n[^]*value: \(secret\) -> \(none\)\n[^]*- quota\.timeZone\n {4}value: "Asia\/Tokyo" -> \(none\)\n3 settings changed\.\n$/,
    );
    expect(await get('quota.timeZone')).toMatchObject({ source: 'default', value: 'Etc/UTC' });
  });

  it('are applied with plans and webhook endpoints as one file: shown first, asked for, exactly that, all or nothing, and no second time', async () => {
    const file = join(folder, 'service.yaml');
    const appliedBy = (by: typeof run, text: string, ...flags: string[]) => {
      writeFileSync(file, text);
      return by(['apply', '-f', file, ...flags], environment);
    };
    const applied = (text: string, ...flags: string[]) => appliedBy(runHere, text, ...flags);
    const url = 'https://hooks.example.com/as-code';
    const text = [
      'tiers:',
      '  code:',
      '    dailyQuota: 500',
      '    burstPerMinute: 50',
      'settings:',
      '  users.defaultTier: { value: code }',
      'webhooks:',
      `  ${url}:`,
      '    events: [request.*]',
      '    description: as code\n',
    ].join('\n');
    const diff = [
      '+ tier code',
      '    archived: (none) -> false',
      '    burstPerMinute: (none) -> 50',
      '    dailyQuota: (none) -> 500',
      '    sortOrder: (none) -> 0',
      '+ setting users.defaultTier',
      '    value: (none) -> "code"',
      `+ webhook ${url}`,
      '    description: (none) -> "as code"',
      '    enabled: (none) -> true',
      '    events: (none) -> ["request.*"]',
      '    ordered: (none) -> false',
      '',
    ].join('\n');
    expect(await applied(text, '--dry-run')).toMatchObject({ code: 2, stderr: '', stdout: `${diff}3 would change.\n` });
    const refused = await appliedBy(run, text);
    expect([refused.code, refused.stdout]).toEqual([1, `${diff}3 to change.\n`]);
    expect(refused.stderr).toMatch(/^quotidian: apply changes 3 plans, settings or endpoints in quotidian_test_\w+ at .*\. Add --yes if that is meant\.\n$/);
    await service.as(admin).get('/v1/tiers/code').expect(404);

    const done = await applied(text, '--yes');
    expect([done.code, done.stdout.replace(diff, '')]).toEqual([0, expect.stringMatching(/^3 to change\.\nDone\.\nSecret of \S+, shown once: whsec_\S+\n$/)]);
    expect((await service.as(admin).get('/v1/tiers/code')).body).toMatchObject({ dailyQuota: 500, burstPerMinute: 50 });
    expect((await service.as(admin).get('/v1/webhook-endpoints?scope=all')).body.items).toMatchObject([{ url, events: ['request.*'], description: 'as code' }]);
    expect(await applied(text, '--dry-run')).toMatchObject({ code: 0, stdout: 'Nothing to change.\n' });
    const exported = await runHere(['config:export', '--all'], environment);
    expect(exported).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^tiers:\n[^]*^settings:\n[^]*^webhooks:\n/m) });
    expect(await applied(exported.stdout, '--prune')).toMatchObject({ code: 0, stdout: 'Nothing to change.\n' });

    const wrong = `${text.replace('500', 'many').replace('request.*', 'nothing.*')}    colour: red\n`;
    const broken = await applied(wrong, '--yes');
    expect([broken.code, broken.stdout]).toEqual([1, '']);
    expect(broken.stderr.trim().split('\n')).toEqual([
      `quotidian: ${file}:3: tiers.code.dailyQuota: must be an integer number`,
      expect.stringContaining(`quotidian: ${file}:11: webhooks.${url}.colour: `),
      expect.stringContaining(`quotidian: ${file}:9: webhooks.${url}.events: `),
    ]);
  }, 300_000);

  it('rotate the key of secrets from a process that has both, and state so when one is missing', async () => {
    await service.as(admin).put('/v1/configurations/cli.rotated').set('if-none-match', '*').send({ value: 'x', visibility: 'secret' }).expect(201);
    const next = 'ZmVkY2JhOTg3NjU0MzIxMDAxMjM0NTY3ODlhYmNkZWYxMjM0';
    const blind = await run(['secrets:rotate'], { ...environment, SECRETS_KEY: next });
    expect(blind).toMatchObject({ code: 1, stdout: expect.stringContaining('No key that is given opens cli.rotated.') });
    const both = await run(['secrets:rotate', '--json'], { ...environment, SECRETS_KEY: next, SECRETS_KEY_PREVIOUS: SECRETS_KEY });
    expect(both).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(both.stdout).unreadable).toEqual([]);
  });

  it('write no secret to the log, at any level, whatever goes wrong', async () => {
    const log = new Command(['serve'], {
      ...environment,
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      LOG_REQUESTS: 'true',
      JWT_SECRET: SECRETS_KEY,
    });
    const url = (await log.shows(/http:\/\/127\.0\.0\.1:\d+/))[0];
    const put = (body: object, headers: Record<string, string> = { 'if-match': '*' }) =>
      clientOf(url)
        .put('/v1/configurations/log.secret')
        .set({ authorization: `Bearer ${admin.key}`, ...headers })
        .send(body);
    await put({ value: 'canary-log', visibility: 'secret' }, { 'if-none-match': '*' }).expect(201);
    await put({ value: 'canary-log-2', schema: { type: 'integer' } }).expect(400);
    await put({ value: 'canary-log-3' }, {}).expect(428);
    await service.sql(`ALTER TABLE system_configuration_versions ADD CONSTRAINT breaks CHECK (version < 2) NOT VALID`);
    await put({ value: 'canary-log-4' }).expect(500);
    await service.sql(`ALTER TABLE system_configuration_versions DROP CONSTRAINT breaks`);
    await service.sql(`UPDATE system_configurations SET value = '{"keyId": "x", "sealed": "y"}' WHERE key = 'log.secret'`);
    await log.shows(/the secret log\.secret cannot be opened/);
    log.child.kill('SIGTERM');
    const { stdout, stderr } = await log.finished();
    expect(stdout).toContain('/v1/configurations/:key');
    expect(stdout + stderr).not.toContain('canary');
  });
});
