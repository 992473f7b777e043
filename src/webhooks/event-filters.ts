/** What happens, by name: `<group>.<what>`. */
export const EVENT_TYPES = [
  'request.succeeded',
  'request.failed',
  'request.canceled',
  'request.expired',
  'quota.threshold-reached',
  'quota.exhausted',
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
] as const;

/** What an endpoint may ask for: a type, all of a group, or all. */
export const EVENT_FILTERS: readonly string[] = ['*', ...new Set(EVENT_TYPES.map((type) => `${groupOf(type)}.*`)), ...EVENT_TYPES];

/** The filters that a type passes. */
export function filtersOf(type: string): string[] {
  return [type, `${groupOf(type)}.*`, '*'];
}

function groupOf(type: string): string {
  return type.slice(0, type.indexOf('.'));
}
