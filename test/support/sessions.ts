import { PASSWORD, type TestUser } from './factories';
import { type Replica } from './service';

export interface Session {
  accessToken: string;
  refreshToken: string;
}

/** Logs a user of `makeUser` in. */
export async function logIn(replica: Replica, { email }: Pick<TestUser, 'email'>, password = PASSWORD): Promise<Session> {
  const { body } = await replica.as().post('/v1/auth/login').send({ email, password }).expect(200);
  return body as Session;
}
