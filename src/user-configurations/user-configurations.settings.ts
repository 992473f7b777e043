import { defineSetting } from '../settings/setting';

export const UserConfigurationsSettings = {
  maxPerUser: defineSetting<number>({
    key: 'configurations.maxPerUser',
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 200,
    unit: 'values',
    description: "How many values of their own a user may have for operators' keys. Values for declared settings are not counted.",
  }),
  keptOwnVersions: defineSetting<number>({
    key: 'configurations.keptOwnVersions',
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 50,
    unit: 'versions',
    description: "How many versions of each of a user's own values are kept, the one in force among them. Of system settings all are.",
  }),
};
