import { defineSetting } from '../settings/setting';

export const UserSettings = {
  restoreDays: defineSetting<number>({
    key: 'users.restoreDays',
    schema: { type: 'integer', minimum: 0, maximum: 365 },
    default: 0,
    unit: 'days',
    description: 'How long a deleted account can be restored, in days. Until then it is suspended, and its address is not free. 0: it is removed at once.',
  }),
  passwordMinLength: defineSetting<number>({
    key: 'auth.passwordMinLength',
    schema: { type: 'integer', minimum: 8, maximum: 128 },
    default: 8,
    unit: 'characters',
    description: 'The shortest password that is taken, in characters. NIST SP 800-63B advises 15 where it is the only factor.',
    visibility: 'public',
  }),
};
