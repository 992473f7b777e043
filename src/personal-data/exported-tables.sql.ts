import { type ExportedTable, instant } from './exported-table';

const SECRET = 'a secret, or what one is checked by';
const INTERNAL = 'how the service does its work; nothing about the person';
const OTHERS_ID = 'the id of another person, an administrator; the own one is shown';

/** Whoever did it is shown only where it was the user. */
const ifSelf = (column: string) => `CASE WHEN t.${column} = $1 THEN t.${column} END`;
const text = (column: string) => `t.${column}::text`;

/** All that is stored of a user, in the order of the document. */
export const EXPORTED: readonly ExportedTable[] = [
  {
    section: 'user',
    table: 'users',
    single: true,
    where: 't.id = $1',
    order: [['id', 'integer']],
    columns: [
      ...[
        'id',
        'email',
        'role',
        'status',
        'time_zone',
        'subscription_tier',
        'next_subscription_tier',
        'next_tier_from',
        'next_quota_daily',
        'next_quota_unlimited',
      ],
      ...['api_quota_daily', 'api_quota_unlimited', 'api_quota_custom', 'api_quota_used_today', 'api_quota_refunded_today', 'api_quota_requests_today'],
      ...['quota_reset_date', 'quota_reset_zone', 'quota_reset_fold', 'quota_override_daily', 'quota_override_unlimited', 'quota_override_expires_at'],
      ...[
        'quota_override_reason',
        'quota_override_author',
        'quota_overage_today',
        'quota_overage_date',
        'quota_overage_fold',
        'max_in_flight',
        'created_at',
        'updated_at',
      ],
    ],
    shownAs: { quota_override_author: ifSelf('quota_override_author') },
    withheld: { password_hash: SECRET, quota_forms: INTERNAL, token_version: INTERNAL, api_quota_version: INTERNAL, next_quota_version: INTERNAL },
  },
  {
    section: 'attributes',
    table: 'user_attributes',
    single: true,
    order: [['user_id', 'integer']],
    columns: ['external_id', 'metadata'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'addressProof',
    table: 'address_proofs',
    single: true,
    order: [['user_id', 'integer']],
    columns: ['proven_email', 'proven_at', 'pending_email'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'mailedTokens',
    table: 'one_time_tokens',
    order: [['token_hash', 'bytea']],
    columns: ['purpose', 'email', 'created_at', 'expires_at'],
    withheld: { user_id: 'the user', token_hash: SECRET },
  },
  {
    section: 'identities',
    table: 'user_identities',
    order: [
      ['issuer', 'text'],
      ['subject', 'text'],
    ],
    columns: ['issuer', 'subject', 'tier', 'created_at'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'secondFactor',
    table: 'second_factors',
    single: true,
    order: [['user_id', 'integer']],
    columns: ['created_at', 'confirmed_at'],
    withheld: { user_id: 'the user', secret: SECRET, last_step: INTERNAL },
  },
  {
    section: 'apiKeys',
    table: 'api_keys',
    order: [['id', 'integer']],
    columns: [
      ...['id', 'name', 'prefix', 'scopes', 'daily_cap', 'cap_used_today', 'cap_reset_date', 'cap_reset_fold'],
      ...['expires_at', 'last_used_at', 'revoked_at', 'created_at'],
    ],
    withheld: { user_id: 'the user', key_hash: SECRET },
  },
  {
    section: 'sessions',
    table: 'sessions',
    order: [['id', 'bigint']],
    columns: ['id', 'address', 'user_agent', 'created_at', 'last_used_at', 'expires_at'],
    shownAs: { id: text('id') },
    withheld: { user_id: 'the user', token_version: INTERNAL, lineage_hash: SECRET, token_hash: SECRET },
  },
  {
    section: 'knownDevices',
    table: 'known_devices',
    order: [['device_hash', 'bytea']],
    columns: ['last_seen_at'],
    withheld: { user_id: 'the user', device_hash: 'a digest, from which nothing can be read' },
  },
  {
    section: 'formerSessions',
    table: 'refresh_tokens',
    order: [['id', 'bigint']],
    columns: ['id', 'created_at', 'expires_at', 'rotated_at', 'revoked_at'],
    shownAs: { id: text('id') },
    withheld: { user_id: 'the user', family: INTERNAL, token_hash: SECRET, token_version: INTERNAL },
  },
  {
    section: 'configurations',
    table: 'user_configurations',
    order: [['key', 'text']],
    columns: ['key', 'value', 'version', 'updated_by', 'created_at', 'updated_at'],
    shownAs: { updated_by: ifSelf('updated_by') },
    withheld: { user_id: 'the user' },
  },
  {
    section: 'configurationHistory',
    table: 'user_configuration_versions',
    order: [
      ['key', 'text'],
      ['version', 'integer'],
    ],
    columns: ['key', 'version', 'content', 'author', 'reason', 'created_at'],
    shownAs: { author: ifSelf('author') },
    withheld: { user_id: 'the user' },
  },
  {
    section: 'requests',
    table: 'requests',
    order: [['id', 'uuid']],
    columns: [
      ...[
        'id',
        'api_key_id',
        'type',
        'status',
        'cost',
        'refunded_units',
        'drawn_units',
        'limits_charged',
        'counts_in_flight',
        'charged_on',
        'charged_fold',
        'limit_at_charge',
        'used_at_charge',
        'payload',
        'result',
      ],
      ...['error', 'attempt', 'max_attempts', 'held', 'available_at', 'lease_expires_at', 'deadline_at', 'cancel_requested_at', 'created_at', 'started_at'],
      ...['finished_at', 'updated_at'],
    ],
    // In the tables `request_attempts` and `request_draws`.
    shownAs: {
      attempts: `(SELECT coalesce(json_agg(json_build_object('attempt', a.attempt, 'outcome', a.outcome, 'error', a.error, 'startedAt', a.started_at, 'endedAt', a.ended_at) ORDER BY a.attempt), '[]')
        FROM request_attempts a WHERE a.request_id = t.id)`,
      draws: `(SELECT coalesce(json_agg(json_build_object('source', d.source, 'grantId', d.grant_id, 'units', d.units) ORDER BY d.begins), '[]') FROM request_draws d WHERE d.request_id = t.id)`,
    },
    withheld: { user_id: 'the user' },
  },
  {
    section: 'idempotencyKeys',
    table: 'idempotency_keys',
    order: [
      ['scope', 'text'],
      ['key', 'text'],
    ],
    columns: ['scope', 'key', 'request_id', 'response_status', 'request_status', 'request_cost', 'charged_on', 'deadline_at', 'created_at'],
    withheld: { user_id: 'the user', fingerprint: SECRET, response_body: 'a copy, for a day, of an answer about what is exported here' },
  },
  {
    section: 'grants',
    table: 'quota_grants',
    order: [['id', 'integer']],
    columns: ['id', 'units', 'used', 'priority', 'reason', 'author', 'expires_at', 'rolled_from', 'rolled_fold', 'revoked_at', 'created_at'],
    shownAs: { author: ifSelf('author') },
    withheld: { user_id: 'the user', removed_used: INTERNAL },
  },
  {
    section: 'quotaForms',
    table: 'user_quota_forms',
    single: true,
    order: [['user_id', 'integer']],
    columns: ['overage', 'shadow', 'updated_at'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'overage',
    table: 'quota_overage',
    order: [
      ['date', 'date'],
      ['fold', 'smallint'],
    ],
    columns: ['date', 'fold', 'units', 'removed_units', 'shadow_requests', 'shadow_units'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'limits',
    table: 'quota_limit_usage',
    order: [
      ['name', 'text'],
      ['period', 'text'],
      ['starts_at', 'timestamptz'],
    ],
    columns: ['name', 'period', 'starts_at', 'ends_at', 'used', 'removed_used'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'usage',
    table: 'quota_usage',
    order: [['date', 'date']],
    columns: ['date', 'quota', 'used', 'refunded', 'requests', 'removed_used', 'removed_refunded', 'removed_requests', 'created_at'],
    withheld: { user_id: 'the user' },
  },
  {
    section: 'quotaEvents',
    table: 'quota_events',
    order: [
      ['date', 'date'],
      ['fold', 'smallint'],
      ['threshold', 'numeric'],
    ],
    columns: ['id', 'date', 'fold', 'threshold', 'used', 'quota', 'created_at'],
    shownAs: { id: text('id') },
    withheld: { user_id: 'the user' },
  },
  {
    section: 'events',
    table: 'events',
    where: 't.user_id = $1 AND t.position IS NOT NULL',
    order: [['position', 'bigint']],
    columns: ['id', 'type', 'data', 'created_at', 'position', 'published_at'],
    shownAs: { id: text('id'), position: text('position') },
    withheld: { user_id: 'the user' },
  },
  {
    section: 'webhookEndpoints',
    table: 'webhook_endpoints',
    order: [['id', 'integer']],
    columns: [
      ...['id', 'url', 'events', 'ordered', 'enabled', 'disabled_reason', 'description', 'previous_expires_at', 'failing_since', 'failing_percent'],
      ...['created_at', 'updated_at'],
    ],
    shownAs: { failing_since: instant('failing_since') },
    withheld: {
      ...{ user_id: 'the user', secret: SECRET, previous_secret: SECRET },
      ...{ replay_position: INTERNAL, replay_end: INTERNAL, replay_since: INTERNAL, replay_until: INTERNAL },
    },
  },
  {
    section: 'webhookDeliveries',
    table: 'webhook_deliveries',
    of: { table: 'webhook_endpoints', column: 'endpoint_id' },
    order: [
      ['endpoint_id', 'integer'],
      ['id', 'bigint'],
    ],
    columns: ['id', 'endpoint_id', 'event_id', 'event_type', 'ordered', 'status', 'tries', 'due_at', 'attempts', 'created_at', 'finished_at'],
    shownAs: { id: text('id'), event_id: text('event_id') },
    withheld: { subject: 'the user', claims: INTERNAL },
  },
  {
    section: 'mails',
    table: 'mails',
    order: [['id', 'uuid']],
    columns: ['id', 'template', 'state', 'attempts', 'due_at', 'expires_at', 'error', 'created_at', 'ended_at'],
    withheld: { user_id: 'the user', contents: 'sealed, since it may hold a link that proves an address; kept until the mail was sent' },
  },
  {
    section: 'auditEvents',
    table: 'audit_events',
    where: `(t.target_kind = 'user' AND t.target_id = $1::integer::text
      OR t.target_kind = 'api-key' AND t.target_id = ANY (ARRAY(SELECT k.id::text FROM api_keys k WHERE k.user_id = $1)))`,
    order: [['id', 'bigint']],
    columns: ['id', 'actor_kind', 'actor_id', 'actor_key_id', 'action', 'target_kind', 'target_id', 'before', 'after', 'reason', 'request_id', 'created_at'],
    shownAs: { id: text('id'), actor_id: ifSelf('actor_id'), actor_key_id: 'CASE WHEN t.actor_id = $1 THEN t.actor_key_id END' },
  },
];

/** Tables that hang on users, or name one, and are not exported. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  request_attempts: 'exported with the request that they are attempts of',
  request_draws: 'exported with the request that drew',
  api_key_overlaps: 'digests of secrets that were rotated: there is nothing of them but what checks them',
  event_listeners: 'which endpoints may be sent events of the user, derived from webhook_endpoints',
  recovery_codes: 'digests of codes that are shown once: there is nothing of them but what checks them',
  service_accounts: 'accounts of programs: there is no person behind one',
  user_departures: 'shown with the account: when a deleted one is removed',
  user_removals: 'accounts that are deleted: there is nobody left who could export them',
  system_configurations: OTHERS_ID,
  system_configuration_versions: 'what administrators did to the system, not to a person',
  system_configuration_changes: 'what administrators did to the system, not to a person',
};
