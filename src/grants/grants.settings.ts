import { defineSetting } from '../settings/setting';

export const GrantSettings = {
  maxPerUser: defineSetting<number>({
    key: 'quota.maxGrantsPerUser',
    schema: { type: 'integer', minimum: 1, maximum: 1_000 },
    default: 100,
    unit: 'grants',
    description: 'How many grants a user may have that were not revoked and have not expired. Each is looked at by the charges that draw on them.',
  }),
};
