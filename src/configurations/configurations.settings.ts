import { defineSetting } from '../settings/setting';

export const ConfigurationsSettings = {
  approvalRequired: defineSetting<boolean>({
    key: 'configurations.approvalRequired',
    schema: { type: 'boolean' },
    default: false,
    description: 'Whether system settings change over HTTP only by a proposed change that a second administrator approves. The command line stays free.',
  }),
};
