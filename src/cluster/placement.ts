/**
 * Where each table stands once a database is a cluster. `quotidian cluster:distribute` makes its plan from this, `quotidian doctor` compares
 * a cluster with it, and test/cluster-rules.spec.ts holds sql/ to it.
 */
export type Placement = ByUser | { place: 'reference' } | { place: 'local'; reason: string };

/** Rows stand in the shard of their user, beside all else of theirs. */
export interface ByUser {
  place: 'user';
  /** The distribution column. */
  by: 'id' | 'user_id';
  /** Keys that lack the column: what holds them on a cluster. */
  keys?: Readonly<Record<string, Widened | Unheld>>;
  /** The rows name their user through another table only: the column comes with the distribution. */
  userOf?: { table: string; column: string };
}

/** The user goes behind: values are unique of themselves, from one sequence or by 256 random bits, so the wider key refuses the same rows. */
type Widened = 'widened';

/** One value, one row, whoever has it: no shard can hold that alone. */
interface Unheld {
  /** The kind in the look-up table, which is distributed by the value. */
  lookup: string;
  /** The value, as an expression over the row. */
  value: string;
}

const byUser = (keys?: ByUser['keys']): ByUser => ({ place: 'user', by: 'user_id', keys });
const reference: Placement = { place: 'reference' };
const local = (reason: string): Placement => ({ place: 'local', reason });

/** All tables but TypeORM's own. The order is that of distribution: who is referred to comes first. */
export const PLACEMENT: Readonly<Record<string, Placement>> = {
  subscription_tiers: reference,
  system_configurations: reference,
  event_listeners: reference,

  users: {
    place: 'user',
    by: 'id',
    keys: {
      users_email_key: { lookup: 'email', value: `lower(email COLLATE "C")` },
      users_email_lower_key: { lookup: 'email', value: `lower(email COLLATE "C")` },
    },
  },
  api_keys: byUser({ api_keys_pkey: 'widened', api_keys_key_hash_key: { lookup: 'key', value: `encode(key_hash, 'hex')` } }),
  api_key_overlaps: {
    ...byUser({ api_key_overlaps_pkey: 'widened', api_key_overlaps_key_hash_key: { lookup: 'key', value: `encode(key_hash, 'hex')` } }),
    userOf: { table: 'api_keys', column: 'api_key_id' },
  },
  address_proofs: byUser(),
  known_devices: byUser(),
  one_time_tokens: byUser({ one_time_tokens_pkey: { lookup: 'token', value: `encode(token_hash, 'hex')` } }),
  recovery_codes: byUser(),
  refresh_tokens: byUser({ refresh_tokens_pkey: 'widened', refresh_tokens_token_hash_key: { lookup: 'refresh', value: `encode(token_hash, 'hex')` } }),
  second_factors: byUser(),
  sessions: byUser({ sessions_pkey: 'widened', sessions_lineage_hash_key: { lookup: 'session', value: `encode(lineage_hash, 'hex')` } }),
  service_accounts: byUser({ service_accounts_name_key: { lookup: 'service-account', value: 'name' } }),
  user_attributes: byUser({ user_attributes_external_id_key: { lookup: 'external-id', value: 'external_id' } }),
  user_configurations: byUser(),
  user_configuration_versions: byUser(),
  user_departures: byUser(),
  user_identities: byUser({ user_identities_pkey: { lookup: 'identity', value: `issuer || ' ' || subject` } }),
  user_quota_forms: byUser(),
  user_removals: byUser(),
  quota_events: byUser({ quota_events_pkey: 'widened' }),
  quota_grants: byUser({ quota_grants_pkey: 'widened' }),
  quota_limit_usage: byUser(),
  quota_overage: byUser(),
  quota_usage: byUser(),
  requests: byUser({ requests_pkey: 'widened' }),
  request_attempts: { ...byUser({ request_attempts_pkey: 'widened' }), userOf: { table: 'requests', column: 'request_id' } },
  request_draws: { ...byUser({ request_draws_pkey: 'widened' }), userOf: { table: 'requests', column: 'request_id' } },
  idempotency_keys: byUser(),

  audit_chain: local('one chain over all events: its head is one row'),
  audit_events: local('one sequence of all that administrators did, chained in order'),
  audit_unsealed: local('what waits for the one chain'),
  event_cursors: local('one position a consumer'),
  events: local('one order over all users, and some name none: what was published is read by position'),
  job_runs: local('some rows an hour'),
  mails: local('some are to an address that is nobody yet'),
  operator_alerts: local('one row a kind of alert'),
  replicas: local('one row a process'),
  removed_usage: local('sums over users who are gone'),
  request_traces: local('by request, for a day, of processes that trace'),
  system_configuration_changes: local('written by administrators'),
  system_configuration_versions: local('written by administrators'),
  webhook_deliveries: local('claimed by endpoint; beside the events that they carry'),
  webhook_endpoints: local('some are of nobody: they follow all users'),
};

/** Of what stands in the shards of users, each table with its distribution column. */
export function distributed(): [table: string, placement: ByUser][] {
  return Object.entries(PLACEMENT).filter((entry): entry is [string, ByUser] => entry[1].place === 'user');
}

export const placementOf = (table: string): Placement['place'] | undefined => PLACEMENT[table]?.place;

/**
 * What becomes of the triggers of tables that do not stay local. Tried on Citus 13.2: a trigger there runs on a worker, on a shard that bears another
 * name; NOTIFY reaches nobody there and refuses two-phase commit; and a query over all shards is refused.
 */
export const TRIGGERS: Readonly<Record<string, 'kept' | { dropped: string }>> = {
  requests_status_move: 'kept',
  quota_grants_mark_forms: 'kept',
  user_quota_forms_mark_forms: 'kept',
  users_mark_own_forms: 'kept',
  system_configurations_time_zone_check: 'kept',
  users_time_zone_check: { dropped: 'asks all users for the zone; a write is checked by the service before' },
  users_end_privileged_scopes: { dropped: 'changes keys by a query within a query' },
  address_proofs_notify: { dropped: 'notifies' },
  address_proofs_notify_truncate: { dropped: 'notifies' },
  api_key_overlaps_notify: { dropped: 'notifies' },
  api_key_overlaps_notify_truncate: { dropped: 'notifies' },
  api_keys_notify: { dropped: 'notifies' },
  api_keys_notify_moved: { dropped: 'notifies' },
  api_keys_notify_truncate: { dropped: 'notifies' },
  second_factors_notify: { dropped: 'notifies' },
  second_factors_notify_truncate: { dropped: 'notifies' },
  sessions_notify_end: { dropped: 'notifies' },
  sessions_notify_expiry: { dropped: 'notifies' },
  sessions_notify_truncate: { dropped: 'notifies' },
  subscription_tiers_notify: { dropped: 'notifies' },
  system_configurations_notify: { dropped: 'notifies' },
  users_notify: { dropped: 'notifies' },
  users_notify_email: { dropped: 'notifies' },
  users_notify_truncate: { dropped: 'notifies' },
};

/** Foreign keys from where all is local to a shard: none can hold them on a cluster. */
export const REFERENCES_DROPPED: readonly string[] = ['mails_user_id_fkey', 'webhook_endpoints_user_id_fkey'];
