import { defineSetting } from '../settings/setting';

export const NotificationSettings = {
  quotaMails: defineSetting<number[]>({
    key: 'notifications.quotaMails',
    schema: { type: 'array', items: { type: 'number', minimum: 0.0001, maximum: 1, multipleOf: 0.0001 }, maxItems: 10, uniqueItems: true },
    default: [],
    unit: 'share of the daily quota',
    description:
      'The shares of the daily quota at which a user is sent a mail, once a period, such as `[0.8, 1]`; none: no mails. Shares below 1 must be in `quota.thresholds` too.',
    visibility: 'public',
    overridable: true,
  }),
  operatorMails: defineSetting<string[]>({
    key: 'notifications.operatorMails',
    schema: { type: 'array', items: { type: 'string', format: 'email', maxLength: 254 }, maxItems: 20, uniqueItems: true },
    default: [],
    description: 'The addresses that alerts to operators are mailed to.',
  }),
  alertAgainHours: defineSetting<number>({
    key: 'notifications.alertAgainHours',
    schema: { type: 'integer', minimum: 1, maximum: 720 },
    default: 6,
    unit: 'hours',
    description: 'How long operators are not alerted again to what goes on as it was.',
  }),
  compareBooks: defineSetting<boolean>({
    key: 'notifications.compareBooks',
    schema: { type: 'boolean' },
    default: true,
    description:
      'Whether the books are compared once a day, at 03:47 UTC, and operators alerted when they differ. It reads the whole ledger: with hundreds of millions of requests, run `quotidian audit` on a standby instead.',
  }),
};
