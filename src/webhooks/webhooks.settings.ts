import { defineSetting } from '../settings/setting';

const DAY_HOURS = 24;

export const WebhookSettings = {
  allowHttp: defineSetting<boolean>({
    key: 'webhooks.allowHttp',
    schema: { type: 'boolean' },
    default: false,
    description: 'Whether webhooks may be sent without TLS, to `http://` addresses.',
    visibility: 'public',
  }),
  allowedNetworks: defineSetting<string[]>({
    key: 'webhooks.allowedNetworks',
    schema: { type: 'array', maxItems: 100, uniqueItems: true, items: { type: 'string', maxLength: 64, format: 'network' } },
    default: [],
    description: 'Networks beside the public Internet that webhooks may be sent to, such as `10.1.0.0/16`.',
  }),
  maxPerUser: defineSetting<number>({
    key: 'webhooks.maxPerUser',
    schema: { type: 'integer', minimum: 0, maximum: 1_000 },
    default: 20,
    unit: 'endpoints',
    description: 'How many webhook endpoints a user may have; as many are there for the operator. 0: users have none.',
    visibility: 'public',
  }),
  secretOverlapHours: defineSetting<number>({
    key: 'webhooks.secretOverlapHours',
    schema: { type: 'integer', minimum: 0, maximum: 720 },
    default: DAY_HOURS,
    unit: 'hours',
    description: 'For how long the secret before a rotation goes on to sign beside the new one.',
    visibility: 'public',
  }),
  retrySchedule: defineSetting<number[]>({
    key: 'webhooks.retrySchedule',
    schema: { type: 'array', minItems: 1, maxItems: 20, items: { type: 'integer', minimum: 0, maximum: 604_800 } },
    default: [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
    unit: 'seconds',
    description: 'The pause before each try of a webhook, the first included. After the last one the delivery has failed.',
    visibility: 'public',
  }),
  orderedMaxTries: defineSetting<number>({
    key: 'webhooks.orderedMaxTries',
    schema: { type: 'integer', minimum: 1, maximum: 20 },
    default: 5,
    unit: 'tries',
    description: 'How often an event is tried at an endpoint that keeps the order of each user, before the events behind it go on without it.',
    visibility: 'public',
  }),
  disableAfterHours: defineSetting<number>({
    key: 'webhooks.disableAfterHours',
    schema: { type: 'integer', minimum: 1, maximum: 720 },
    default: 5 * DAY_HOURS,
    unit: 'hours',
    description: 'For how long nothing but failures may come of an endpoint before it is disabled.',
    visibility: 'public',
  }),
  failingThresholds: defineSetting<number[]>({
    key: 'webhooks.failingThresholds',
    schema: { type: 'array', maxItems: 10, uniqueItems: true, items: { type: 'integer', minimum: 1, maximum: 99 } },
    default: [5, 50, 70, 90],
    unit: 'percent',
    description: 'How far on the way to being disabled an endpoint is when its owner is informed by `endpoint.failing`.',
    visibility: 'public',
  }),
};
