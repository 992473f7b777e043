import { built } from './built.mjs';

export const USER_SCOPES = ['requests:read', 'requests:write', 'quota:read'];
export const SERVICE_SCOPES = [...USER_SCOPES, 'service'];
const HASH = '$argon2id$v=19$m=19456,t=2,p=1$2+tYQnEk3ymAiJ00HzTTkg$f4A4OiS1OyMNmUjdum3bOx9vjlCqiE5UZXryNp3kDwo';
let made = 0;

/** @typedef {{ id: number, key: string }} Account */

/**
 * Accounts with a custom quota and one API key each, by plain SQL, in the order asked for.
 * @param {(text: string, values: unknown[]) => Promise<any[]>} sql
 * @param {number} count
 * @param {{ dailyQuota?: number, timeZone?: string | null, role?: string, scopes?: string[], used?: number }} [options]
 * @returns {Promise<Account[]>}
 */
export async function makeAccounts(sql, count, { dailyQuota = 2_000_000_000, timeZone = null, role = 'user', scopes = USER_SCOPES, used = 0 } = {}) {
  const { hashKey, makeKey, shownPrefix } = built('api-keys/key-format');
  const first = made;
  made += count;
  const users = await sql(
    `INSERT INTO users (email, password_hash, role, api_quota_daily, api_quota_custom, time_zone, quota_reset_date, api_quota_used_today)
     SELECT 'account-' || n || '@example.com', $3, $4, $5, true, $6::text, (now() AT TIME ZONE coalesce($6::text, 'UTC'))::date, $7
     FROM generate_series($1::integer, $2::integer) n ORDER BY n RETURNING id`,
    [first + 1, first + count, HASH, role, dailyQuota, timeZone, used],
  );
  const accounts = users.map(({ id }) => ({ id, key: makeKey() }));
  await sql(
    `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes)
     SELECT k.id, 'run', k.prefix, decode(k.hash, 'hex'), $2 FROM json_to_recordset($1) AS k(id integer, prefix text, hash text)`,
    [JSON.stringify(accounts.map(({ id, key }) => ({ id, prefix: shownPrefix(key), hash: hashKey(key).toString('hex') }))), scopes],
  );
  return accounts;
}
