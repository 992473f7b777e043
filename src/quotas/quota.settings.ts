import { defineSetting } from '../settings/setting';

export const QuotaSettings = {
  timeZone: defineSetting<string>({
    key: 'quota.timeZone',
    schema: { type: 'string', format: 'iana-time-zone' },
    default: 'Etc/UTC',
    description: 'The zone in which the quota day of users without one of their own begins and ends.',
    visibility: 'public',
  }),
  dayStartsAt: defineSetting<string>({
    key: 'quota.dayStartsAt',
    schema: { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' },
    default: '00:00',
    description:
      'The hour (`HH:MM`) at which the quota day of every user begins, in the zone of each; a plan may have its own. After a change the running day ends at the first new beginning that is at least 24 hours after its own.',
    visibility: 'public',
  }),
  retryAfterSpread: defineSetting<number>({
    key: 'quota.retryAfterSpreadSeconds',
    schema: { type: 'integer', minimum: 0, maximum: 3_600 },
    default: 0,
    description:
      'Over how many seconds the `Retry-After` of refusals by quota or burst is spread at random, after the instant from which a retry may succeed: so that all who were refused do not come again at once. 0: not at all.',
    visibility: 'public',
  }),
  resetCron: defineSetting<string>({
    key: 'quota.resetCron',
    schema: { type: 'string', format: 'cron' },
    default: '*/15 * * * *',
    description:
      'When the days that are over are closed out, as a cron expression in the zone of `quota.timeZone`. All midnights in use fall on quarters of an hour. Quotas do not depend on it.',
  }),
};
