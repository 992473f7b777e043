import { defineSetting } from '../settings/setting';

export const QuotaSettings = {
  timeZone: defineSetting<string>({
    key: 'quota.timeZone',
    schema: { type: 'string', format: 'iana-time-zone' },
    default: 'Etc/UTC',
    description: 'The zone in which the quota day of users without one of their own begins and ends.',
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
