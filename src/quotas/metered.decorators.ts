import { QueueFull } from '../ledger/ledger.errors';
import { declares } from '../openapi/declarations';
import { EmailUnverified } from '../proofs/proofs.errors';
import { BurstExceeded, CostExceedsQuota, KeyCapExceeded, LimitExceeded, QuotaExceeded, TooManyInFlight, UserSuspended } from './quotas.errors';

/** The answer reports the caller's limits; not where there are none. */
export const ShowsRateLimit = (status?: number) => declares({ answers: { status, fields: ['RateLimit-Policy?', 'RateLimit?'] } });

/** The route charges: its answers report the limits, and it refuses by them. */
export const Charges = () =>
  declares({
    fails: [QuotaExceeded, KeyCapExceeded, CostExceedsQuota, LimitExceeded, TooManyInFlight, BurstExceeded, UserSuspended, EmailUnverified, QueueFull],
    answers: { fields: ['RateLimit-Policy?', 'RateLimit?', 'X-Quota-Draws?', 'X-Quota-Shadow?'] },
  });
