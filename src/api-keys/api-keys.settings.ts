import { defineSetting } from '../settings/setting';

export const ApiKeySettings = {
  maxPerUser: defineSetting<number>({
    key: 'apiKeys.maxPerUser',
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 100,
    unit: 'keys',
    description: 'How many API keys a user may have that were not revoked.',
    visibility: 'public',
  }),
};
