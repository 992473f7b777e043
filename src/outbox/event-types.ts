/** Everything that can happen, as `<group>.<what>`; what the data of each holds is in docs/events.md. */
export const EVENT_TYPES = [
  'request.succeeded',
  'request.failed',
  'request.canceled',
  'request.expired',
  'quota.threshold-reached',
  'quota.exhausted',
  'quota.overage-begun',
  'quota.shadow-refused',
  'gateway.let-through',
  'user.created',
  'user.updated',
  'user.deleted',
  'api-key.created',
  'api-key.revoked',
  'tier.changed',
  'setting.changed',
  'webhook.test',
  'endpoint.failing',
  'endpoint.disabled',
  'operator.close-out-late',
  'operator.books-differ',
  'operator.clock-behind',
  'operator.listener-lost',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** What endpoints may choose by: each type, each group with `*`, and `*` for all. */
export const EVENT_PATTERNS: readonly string[] = ['*', ...new Set(EVENT_TYPES.map((type) => groupOf(type))), ...EVENT_TYPES];

/** The patterns that choose a type. */
export function patternsOf(type: string): string[] {
  return [type, groupOf(type), '*'];
}

function groupOf(type: string): string {
  return type.replace(/\..*$/, '.*');
}
