import { defineSetting } from '../settings/setting';

export const UserConfigurationsSettings = {
  keptOwnVersions: defineSetting<number>({
    key: 'configurations.keptOwnVersions',
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 50,
    unit: 'versions',
    description: "How many versions of each of a user's own values are kept, the one in force among them. Of system settings all are.",
  }),
};
