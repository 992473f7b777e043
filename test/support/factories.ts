import { hashKey, makeKey, shownPrefix } from '../../src/api-keys/key-format';
import { type Role, type Scope, SCOPES, USER_SCOPES } from '../../src/common/principal';
import { type Service } from './service';

export const PASSWORD = 'correct horse battery';
/** PASSWORD by argon2id with the service's parameters, made once because each takes its time. */
export const PASSWORD_HASH = '$argon2id$v=19$m=19456,t=2,p=1$2+tYQnEk3ymAiJ00HzTTkg$f4A4OiS1OyMNmUjdum3bOx9vjlCqiE5UZXryNp3kDwo';

export interface TestUser {
  id: number;
  email: string;
  /** An API key with the scopes of the user's role. */
  key: string;
}

export interface UserOverrides {
  email?: string;
  role?: Role;
  tier?: string;
  dailyQuota?: number;
  unlimited?: boolean;
  timeZone?: string | null;
  scopes?: readonly Scope[];
  /** The key's own cap. */
  dailyCap?: number;
}

let count = 0;

/** An account with a custom quota (100 by default) and a key, made by plain SQL as any other program would. */
export async function makeUser({ sql }: Service, overrides: UserOverrides = {}): Promise<TestUser> {
  const { email = `user-${++count}@example.com`, role = 'user', tier = 'free', dailyQuota = 100, unlimited = false, timeZone = null } = overrides;
  const scopes = overrides.scopes ?? (role === 'admin' ? SCOPES : USER_SCOPES);
  const key = makeKey();
  const [{ id }] = (await sql<{ id: number }>(
    `WITH u AS (
       INSERT INTO users (email, password_hash, role, subscription_tier, api_quota_daily, api_quota_unlimited, api_quota_custom, time_zone, quota_reset_date)
       VALUES ($1, $2, $3, $4, $5, $6, true, $7::text, (now() AT TIME ZONE coalesce($7::text, 'UTC'))::date) RETURNING id
     )
     INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, daily_cap)
     SELECT id, 'test', $8, $9, $10, $11 FROM u RETURNING user_id AS id`,
    [email, PASSWORD_HASH, role, tier, dailyQuota, unlimited, timeZone, shownPrefix(key), hashKey(key), scopes, overrides.dailyCap ?? null],
  )) as [{ id: number }];
  return { id, email, key };
}

export function makeAdmin(service: Service): Promise<TestUser> {
  return makeUser(service, { role: 'admin', unlimited: true, dailyQuota: 0 });
}
