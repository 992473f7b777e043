import { defineSetting } from '../settings/setting';

export const ProofSettings = {
  emailVerification: defineSetting<'off' | 'optional' | 'required'>({
    key: 'auth.emailVerification',
    schema: { enum: ['off', 'optional', 'required'] },
    default: 'off',
    description:
      'Whether users prove their e-mail address by a mail: `off`; `optional`: new accounts are asked to, and a new address counts once it is proven; `required`: as well, and nobody charges before, by their own sessions and keys.',
    visibility: 'public',
  }),
};
