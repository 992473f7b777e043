import { defineSetting } from '../settings/setting';

export const EventSettings = {
  retentionDays: defineSetting<number>({
    key: 'webhooks.retentionDays',
    schema: { type: 'integer', minimum: 1, maximum: 3_650 },
    default: 30,
    unit: 'days',
    description: 'For how many days events are kept: for `GET /v1/events`, and to be delivered again.',
    visibility: 'public',
  }),
};
