import { defineSetting } from '../configurations/setting';

export const AuthSettings = {
  registration: defineSetting<'open' | 'closed'>({
    key: 'auth.registration',
    schema: { enum: ['open', 'closed'] },
    default: 'open',
    description: 'Whether anyone may register an account, or only administrators make them.',
    visibility: 'public',
  }),
};
