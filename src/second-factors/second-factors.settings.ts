import { defineSetting } from '../settings/setting';

export const SecondFactorSettings = {
  requireTotpForAdmins: defineSetting<boolean>({
    key: 'auth.requireTotpForAdmins',
    schema: { type: 'boolean' },
    default: false,
    description: 'Whether administrators need a second factor: one without it may only enrol, by session or with a key that has the `admin` scope.',
    visibility: 'public',
  }),
};
