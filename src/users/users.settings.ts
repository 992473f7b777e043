import { defineSetting } from '../settings/setting';

export const UserSettings = {
  passwordMinLength: defineSetting<number>({
    key: 'auth.passwordMinLength',
    schema: { type: 'integer', minimum: 8, maximum: 128 },
    default: 8,
    unit: 'characters',
    description: 'The shortest password that is taken, in characters. NIST SP 800-63B advises 15 where it is the only factor.',
    visibility: 'public',
  }),
};
