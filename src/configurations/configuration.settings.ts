import { defineSetting } from './setting';

export const ConfigurationSettings = {
  keptOwnVersions: defineSetting<number>({
    key: 'configurations.keptOwnVersions',
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 50,
    unit: 'versions',
    description: "How many versions of each of a user's own values are kept, the one in force among them. Of system settings all are.",
  }),
  approvalRequired: defineSetting<boolean>({
    key: 'configurations.approvalRequired',
    schema: { type: 'boolean' },
    default: false,
    description: 'Whether system settings change over HTTP only by a proposed change that a second administrator approves. The command line stays free.',
  }),
};
