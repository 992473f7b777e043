const PLAN = 'crowded';
const ENDPOINT = 900_000_000;

/** The plan that all of the crowd have. */
export const CROWDED = PLAN;
/** A delivery that both crowds hold, and the endpoint that all of their deliveries go to. */
export const SEEDED = { endpointId: ENDPOINT, deliveryId: ENDPOINT };

/**
 * What a service has after years with `count` users, as statements: a row of each for every one in each table that grows with users, and a few of each for `user`,
 * who is asked about. No trigger runs and no reference is checked: a million of each takes minutes all the same.
 * @param {number} count
 * @param {{ id: number, keyId: number }} user
 * @param {{ id: number }} admin
 * @returns {string[]}
 */
export function crowd(count, user, admin) {
  const own = `generate_series(1, 20)`;
  const many = `(SELECT row_number() OVER (ORDER BY id) AS n, id FROM users WHERE subscription_tier = '${PLAN}') u`;
  return [
    `INSERT INTO subscription_tiers (name, daily_quota) VALUES ('${PLAN}', 1000)`,
    `SET session_replication_role = replica`,
    `SET synchronous_commit = off`,
    `INSERT INTO users (email, password_hash, subscription_tier, api_quota_daily, api_quota_used_today, api_quota_requests_today, quota_reset_zone, status)
     SELECT 'many-' || n || '@example.com', 'x', '${PLAN}', 1000, 3, 3, 'Etc/UTC', CASE WHEN n % 997 = 0 THEN 'suspended' ELSE 'active' END
     FROM generate_series(1, ${count}) n`,
    `INSERT INTO user_attributes (user_id, external_id, metadata)
     SELECT id, 'customer-' || n, jsonb_build_object('shard', n % 1000, 'number', n) FROM ${many}`,
    `INSERT INTO user_identities (issuer, subject, user_id) SELECT 'https://login.example.com', 'subject-' || n, id FROM ${many}`,
    `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes)
     SELECT id, 'one', 'q_' || n, sha256(n::text::bytea), '{requests:read}' FROM ${many}`,
    `INSERT INTO sessions (user_id, token_version, lineage_hash, token_hash, expires_at)
     SELECT id, 0, sha256(('a' || n)::bytea), sha256(('b' || n)::bytea), now() + interval '30 days' FROM ${many}`,
    `INSERT INTO sessions (user_id, token_version, lineage_hash, token_hash, expires_at)
     SELECT ${user.id}, 0, sha256(('c' || n)::bytea), sha256(('d' || n)::bytea), now() + interval '30 days' FROM ${own} n`,
    `INSERT INTO requests (user_id, type, status, charged_on, limit_at_charge, used_at_charge, finished_at)
     SELECT id, 'report', CASE n % 3 WHEN 0 THEN 'failed' ELSE 'succeeded' END, current_date, 1000, 1, now() FROM ${many}`,
    `INSERT INTO requests (user_id, api_key_id, type, charged_on, limit_at_charge, used_at_charge)
     SELECT ${user.id}, ${user.keyId}, 'report', current_date, 1000, 1 FROM ${own}`,
    `INSERT INTO quota_usage (user_id, date, quota, used, requests) SELECT id, current_date - 1, 1000, 3, 3 FROM ${many}`,
    `INSERT INTO quota_usage (user_id, date, quota, used, requests) SELECT ${user.id}, current_date - n, 1000, 3, 3 FROM ${own} n`,
    `INSERT INTO quota_grants (user_id, units, reason) SELECT id, 10, 'bench' FROM ${many}`,
    `INSERT INTO quota_grants (user_id, units, reason) SELECT ${user.id}, 10, 'bench' FROM ${own}`,
    `INSERT INTO quota_overage (user_id, date, units) SELECT id, current_date - 1, 1 FROM ${many}`,
    `INSERT INTO quota_limit_usage (user_id, name, period, starts_at, ends_at, used)
     SELECT id, 'hourly', 'hour', date_trunc('hour', now()), date_trunc('hour', now()) + interval '1 hour', 1 FROM ${many}`,
    `INSERT INTO quota_events (user_id, date, threshold, used, quota) SELECT id, current_date - 1, 0.8, 800, 1000 FROM ${many}`,
    `INSERT INTO user_configurations (user_id, key, value) SELECT id, 'bench.own', '1' FROM ${many}`,
    `INSERT INTO known_devices (user_id, device_hash) SELECT id, sha256(n::text::bytea) FROM ${many}`,
    `INSERT INTO audit_events (actor_id, actor_kind, action, target_kind, target_id) SELECT ${admin.id}, 'user', 'user.updated', 'user', id::text FROM ${many}`,
    `INSERT INTO audit_events (actor_id, actor_kind, action, target_kind, target_id, actor_key_id)
     SELECT ${admin.id}, 'key', 'user.quota-reset', 'user', '${user.id}', ${user.keyId} FROM ${own}`,
    `INSERT INTO events (type, user_id, data, position, published_at) SELECT 'quota.threshold-reached', id, '{}', n, now() FROM ${many}`,
    `INSERT INTO events (type, user_id, data, position, published_at) SELECT 'user.updated', ${user.id}, '{}', ${count} + n, now() FROM ${own} n`,
    `UPDATE event_cursors SET position = (SELECT max(position) FROM events)`,
    `INSERT INTO mails (id, user_id, template, state, ended_at) SELECT gen_random_uuid(), id, 'quota.threshold-reached', 'sent', now() FROM ${many}`,
    `INSERT INTO webhook_endpoints (id, url, events, secret, enabled, disabled_reason) VALUES (${ENDPOINT}, 'https://example.com/', '{quota.threshold-reached}', '{}', false, 'by-owner')`,
    `INSERT INTO webhook_endpoints (user_id, url, events, secret, enabled, disabled_reason)
     SELECT id, 'https://example.com/', '{quota.threshold-reached}', '{}', false, 'by-owner' FROM ${many}`,
    `INSERT INTO webhook_deliveries (id, endpoint_id, event_id, event_type, subject, ordered, status, finished_at)
     SELECT ${ENDPOINT} + n - 1, ${ENDPOINT}, n, 'quota.threshold-reached', id, false, CASE WHEN n % 2 = 0 THEN 'delivered' ELSE 'failed' END, now() FROM ${many}`,
    `UPDATE users SET next_subscription_tier = 'pro', next_quota_daily = 5, next_tier_from = current_date + 9 WHERE id % 10 = 0 AND subscription_tier = '${PLAN}'`,
    `INSERT INTO user_departures (user_id, status_before, removal_due_at)
     SELECT id, 'active', now() + interval '20 days' FROM ${many} WHERE n % 50 = 0`,
    `UPDATE users SET status = 'deleted' WHERE id IN (SELECT user_id FROM user_departures)`,
    `VACUUM (ANALYZE)`,
    `CHECKPOINT`,
  ];
}
