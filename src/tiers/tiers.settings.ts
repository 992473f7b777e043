import { defineSetting } from '../settings/setting';

export const TierSettings = {
  defaultTier: defineSetting<string>({
    key: 'users.defaultTier',
    schema: { type: 'string', minLength: 1, maxLength: 50 },
    default: 'free',
    description:
      'The plan of a new user unless another is given. If it is not offered, which only plain SQL can bring about, the smallest plan that is offered.',
    visibility: 'public',
  }),
};
