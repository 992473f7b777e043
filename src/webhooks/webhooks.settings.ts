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
};
