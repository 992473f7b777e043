import { defineSetting } from '../settings/setting';

export const AuthSettings = {
  registration: defineSetting<'open' | 'closed'>({
    key: 'auth.registration',
    schema: { enum: ['open', 'closed'] },
    default: 'open',
    description: 'Whether anyone may register an account, or only administrators make them.',
    visibility: 'public',
  }),
  maxSessionsPerUser: defineSetting<number>({
    key: 'auth.maxSessionsPerUser',
    schema: { type: 'integer', minimum: 1, maximum: 10_000 },
    default: 100,
    unit: 'sessions',
    description: 'Sessions that a user may have. A login beyond it ends the oldest.',
    visibility: 'public',
  }),
};
