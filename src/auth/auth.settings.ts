import { defineSetting } from '../settings/setting';

export const AuthSettings = {
  registration: defineSetting<'open' | 'closed'>({
    key: 'auth.registration',
    schema: { enum: ['open', 'closed'] },
    default: 'open',
    description: 'Whether anyone may register an account, or only administrators make them.',
    visibility: 'public',
  }),
  newDeviceMail: defineSetting<boolean>({
    key: 'auth.newDeviceMail',
    schema: { type: 'boolean' },
    default: true,
    description: 'Whether somebody is mailed when their account is signed in to from a device that was not seen before. The first one of all is not mailed.',
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
