import { createHash, randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { AuthSettings } from '../../src/auth/auth.settings';
import { SessionsService } from '../../src/auth/sessions.service';
import { Connections } from '../../src/database/connections';
import { dataSourceOptions } from '../../src/database/data-source-options';
import { migrate } from '../../src/database/migrate';
import { SettingsService } from '../../src/settings/settings.service';
import { createDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { makeUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';
import { logIn, type Session } from '../support/sessions';

const refresh = (replica: Replica, refreshToken: string) => replica.as().post('/v1/auth/refresh').send({ refreshToken });

describe('the rows of sessions', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  const rowsOf = async (id: number) => (await service.sql<{ n: number }>('SELECT count(*)::int AS n FROM sessions WHERE user_id = $1', [id]))[0]?.n;
  const setBound = async (max: number) => {
    await service.sql(
      `INSERT INTO system_configurations (key, value) VALUES ('auth.maxSessionsPerUser', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      [String(max)],
    );
    for (const { app } of service.replicas) {
      await eventually(() => expect(app.get(SettingsService).get(AuthSettings.maxSessionsPerUser)).toBe(max));
    }
  };

  it('stay one for each session, whatever how often it is refreshed', async () => {
    const user = await makeUser(service);
    const first = await logIn(service, user);
    let { refreshToken } = first;
    for (let i = 0; i < 20; i++) refreshToken = ((await refresh(service.replicas[i % 2], refreshToken).expect(200)).body as Session).refreshToken;
    expect(await rowsOf(user.id)).toBe(1);
    expect(await service.sql('SELECT 1 FROM refresh_tokens WHERE user_id = $1', [user.id])).toEqual([]);
    await refresh(service, first.refreshToken).expect(401);
    await refresh(service, refreshToken).expect(401);
  });

  it('are bounded by auth.maxSessionsPerUser, also by logins at once, and the oldest end', async () => {
    const user = await makeUser(service);
    await setBound(3);
    const before = [await logIn(service, user), await logIn(service, user)];
    await Promise.all(Array.from({ length: 12 }, (_, i) => logIn(service.replicas[i % 2], user)));
    expect(await rowsOf(user.id)).toBe(3);
    for (const { refreshToken } of before) await refresh(service, refreshToken).expect(401);
    const later = [await logIn(service, user), await logIn(service, user), await logIn(service, user)];
    for (const { refreshToken } of later) await refresh(service, refreshToken).expect(200);
    await setBound(100);
  });

  it('go when they expire, and with a change of the password', async () => {
    const expired = await makeUser(service);
    const changed = await makeUser(service);
    await logIn(service, expired);
    const going = await logIn(service, expired);
    await service.sql(`UPDATE sessions SET expires_at = now() WHERE id = (SELECT min(id) FROM sessions WHERE user_id = $1)`, [expired.id]);
    expect(await service.app.get(SessionsService).removeExpired()).toBeGreaterThan(0);
    expect(await rowsOf(expired.id)).toBe(1);
    await refresh(service, going.refreshToken).expect(200);
    const { accessToken } = await logIn(service, changed);
    await service.as(accessToken).put('/v1/users/me/password').send({ currentPassword: 'correct horse battery', newPassword: 'a new one, longer' }).expect(204);
    expect(await rowsOf(changed.id)).toBe(0);
  });
});

describe('sessions from before there was a row for each', () => {
  it('go on: by their token, with reuse of an earlier one noticed, unless they were revoked', async () => {
    const database = await createDatabase(null);
    await migrate(database.url);
    const dataSource = await new DataSource(dataSourceOptions(await Connections.open(database.url), 2)).initialize();
    const there = async () => (await dataSource.query<{ table: unknown }[]>(`SELECT to_regclass('sessions') AS table`))[0]?.table !== null;
    while (await there()) await dataSource.undoLastMigration();
    const [{ id }] = await dataSource.query<[{ id: number }]>(`INSERT INTO users (email, password_hash) VALUES ('old@example.com', '!') RETURNING id`);
    const insert = async (family: string, state: string) => {
      const token = `qtr_${randomBytes(32).toString('base64url')}`;
      const hash = createHash('sha256').update(token).digest();
      await dataSource.query(
        `INSERT INTO refresh_tokens (user_id, family, token_hash, token_version, expires_at, rotated_at, revoked_at)
         VALUES ($1, $2, $3, 0, now() + interval '1 day', CASE $4 WHEN 'rotated' THEN now() END, CASE $4 WHEN 'revoked' THEN now() END)`,
        [id, family, hash, state],
      );
      return token;
    };
    const [good, revoked, reused] = ['a', 'b', 'c'].map((digit) => `00000000-0000-4000-8000-${digit.repeat(12)}`);
    const current = await insert(good, 'current');
    await insert(revoked, 'revoked');
    // What a rotation left that was under way when the rest was revoked.
    const survivor = await insert(revoked, 'current');
    const earlier = await insert(reused, 'rotated');
    const stolen = await insert(reused, 'current');
    await dataSource.destroy();
    await migrate(database.url);
    const replica = await startReplica(database.url);
    try {
      const { body } = await refresh(replica, current).expect(200);
      await refresh(replica, (body as Session).refreshToken).expect(200);
      await refresh(replica, survivor).expect(401);
      await refresh(replica, earlier).expect(401);
      await refresh(replica, stolen).expect(401);
    } finally {
      await replica.close();
      await database.drop();
    }
  });
});
