/** Queries of a statement that do not name their user, by table. */
interface Unrouted {
  statements: readonly string[];
  queries: Readonly<Record<string, number>>;
  reason: string;
}

const DAY_ROLL = ['day-roll', 'day-roll-count', 'day-roll-others', 'day-roll-survey'].flatMap((name) => [`${name}-inherited`, `${name}-named`]);
const BY_ID = 'a request comes with its id alone: its user is to be looked up first, and passed on';
const SETTLED = { request_attempts: 1, request_draws: 2 };
const REFUNDED = { api_keys: 2, quota_grants: 1, request_attempts: 1, request_draws: 3, requests: 3 };

/** What a cluster would ask all shards for. The list only gets shorter: the spec refuses a new query, and a count that is too high. */
export const UNROUTED: readonly Unrouted[] = [
  { statements: ['charge-caps'], queries: { api_keys: 2 }, reason: 'a capped key may pay for another user' },
  {
    statements: ['charge-forms', 'charge-forms-limits', 'charge-forms-shadows'],
    queries: { quota_grants: 1, request_draws: 1 },
    reason: 'draws name the request, and grants are changed by their id',
  },
  {
    statements: ['charge-keys-caps-peeks-deadlines-holds-ends-forms-limits-shadows-skips'],
    queries: { api_keys: 2, quota_grants: 1, request_draws: 1 },
    reason: 'as the two above',
  },
  {
    statements: ['claim'],
    queries: { request_attempts: 1, request_draws: 1, requests: 14, user_removals: 3, users: 1 },
    reason: 'a worker takes whoever is next: to be asked shard by shard',
  },
  { statements: DAY_ROLL, queries: { users: 1 }, reason: 'a job over all users by ranges of ids: to be run shard by shard' },
  { statements: ['lock-users', 'lock-users-skips'], queries: { requests: 1 }, reason: BY_ID },
  { statements: ['overdue'], queries: { requests: 3 }, reason: 'what the clock has ended, of all users: to be asked shard by shard' },
  { statements: ['remove-crossings'], queries: { quota_events: 2 }, reason: 'retention over all users: to be run shard by shard' },
  {
    statements: ['remove-finished'],
    queries: { quota_grants: 1, request_draws: 2, requests: 2 },
    reason: 'retention over all users: to be run shard by shard',
  },
  { statements: ['settle'], queries: { ...SETTLED, requests: 2 }, reason: BY_ID },
  { statements: ['settle-skips'], queries: { ...SETTLED, requests: 3 }, reason: BY_ID },
  { statements: ['settle-and-refund', 'settle-and-refund-audited'], queries: REFUNDED, reason: BY_ID },
  { statements: ['settle-and-refund-skips'], queries: { ...REFUNDED, api_keys: 3 }, reason: BY_ID },
];

/** Statements that pass over what somebody holds without the user: a cluster refuses that across shards. */
export const SKIPS_ACROSS: readonly string[] = [
  'charge-keys-caps-peeks-deadlines-holds-ends-forms-limits-shadows-skips',
  'claim',
  'day-roll-inherited',
  'day-roll-named',
  'day-roll-others-inherited',
  'day-roll-others-named',
  'remove-finished',
  'settle-and-refund-skips',
  'settle-skips',
];

/** Statements that write what stands in shards and what is local in one. A cluster does that in several steps and commits them in two phases. */
export const MIXED: readonly string[] = ['charge', 'settle'];
