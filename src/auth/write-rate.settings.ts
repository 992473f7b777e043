import { defineSetting } from '../settings/setting';

export const WriteRateSettings = {
  writesPerMinute: defineSetting<number>({
    key: 'http.writesPerMinute',
    schema: { type: 'integer', minimum: 10, maximum: 100_000 },
    default: 600,
    unit: 'calls a minute',
    description: 'How many calls that change something and cost no units a user may make in a minute, for each replica. Administrators are not held to it.',
    visibility: 'public',
  }),
};
