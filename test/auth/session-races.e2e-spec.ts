import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn, type Session } from '../support/sessions';

describe('sessions under concurrent calls', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const post = (i: number, path: string, refreshToken: string) => service.replicas[i % 2].as().post(`/v1/auth/${path}`).send({ refreshToken });
  const statuses = (answers: { status: number }[]) => [...new Set(answers.map(({ status }) => status))].sort();
  const refreshed = (answers: { body: unknown }[]) => answers.map(({ body }) => body as Session).filter(({ refreshToken }) => refreshToken !== undefined);

  it('answer 32 refreshes and logouts at once on three tokens of a session without a deadlock', async () => {
    for (let round = 0; round < 3; round++) {
      const user = await makeUser(service);
      const first = (await logIn(service, user)).refreshToken;
      const second = ((await post(0, 'refresh', first).expect(200)).body as Session).refreshToken;
      const third = (await logIn(service, user)).refreshToken;
      const tokens = [first, second, third];
      const answers = await Promise.all(Array.from({ length: 32 }, (_, i) => post(i, i % 4 === 3 ? 'logout' : 'refresh', tokens[i % 3])));
      expect(statuses(answers).filter((status) => ![200, 204, 401].includes(status))).toEqual([]);
      // Each token came back after it was traded, or the session was logged out.
      for (const { refreshToken } of refreshed(answers)) await post(0, 'refresh', refreshToken).expect(401);
      expect(await service.sql('SELECT 1 FROM sessions WHERE user_id = $1', [user.id])).toEqual([]);
    }
  });

  it.each(['logout', 'refresh'])('stay ended by a %s with an earlier token, though a thief rotates the later one meanwhile', async (ending) => {
    for (let round = 0; round < 15; round++) {
      const user = await makeUser(service);
      const { refreshToken: owners } = await logIn(service, user);
      let thiefs = ((await post(0, 'refresh', owners).expect(200)).body as Session).refreshToken;
      const thief = async () => {
        for (let i = 0; i < 4; i++) {
          const answer = await post(i, 'refresh', thiefs);
          if (answer.status === 200) thiefs = (answer.body as Session).refreshToken;
        }
      };
      await Promise.all([thief(), post(round, ending, owners)]);
      await post(0, 'refresh', thiefs).expect(401);
    }
  });

  it('end without a deadlock in any mix with logins, password changes, suspensions and the deletion', async () => {
    for (let round = 0; round < 2; round++) {
      const user = await makeUser(service);
      const sessions = await Promise.all(Array.from({ length: 6 }, () => logIn(service, user)));
      const [{ accessToken }] = sessions;
      const users = `/v1/users/${user.id}`;
      const answers = await Promise.all([
        ...sessions.flatMap(({ refreshToken }, i) => [post(i, 'refresh', refreshToken), post(i + 1, 'refresh', refreshToken)]),
        ...sessions.slice(0, 3).map(({ refreshToken }, i) => post(i, 'logout', refreshToken)),
        ...[0, 1, 2].map((i) => service.replicas[i % 2].as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD })),
        service.as(accessToken).put(`${users}/password`).send({ currentPassword: PASSWORD, newPassword: 'a new one, longer' }),
        service.replicas[1].as(admin).put(`${users}/password`).send({ newPassword: 'a third one, longer' }),
        service.as(admin).patch(users).send({ status: 'suspended' }),
        service.replicas[1].as(admin).delete(users),
      ]);
      expect(statuses(answers).filter((status) => status >= 500)).toEqual([]);
      for (const { refreshToken } of refreshed(answers)) await post(0, 'refresh', refreshToken).expect(401);
      expect(await service.sql('SELECT 1 FROM sessions WHERE user_id = $1', [user.id])).toEqual([]);
    }
  });
});
