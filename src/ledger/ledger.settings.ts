import { MAX_INTEGER } from '../common/limits';
import { defineSetting } from '../settings/setting';

/** What becomes of a request's units when it ends so: all go back, none does, or those that were not settled. */
export type RefundRule = 'all' | 'none' | 'unsettled';

/** The rule for each way in which a request can end short of success. */
export interface RefundPolicy {
  failed: RefundRule;
  canceledBeforeStart: RefundRule;
  canceledWhileProcessing: RefundRule;
  /** Of requests that were never begun. */
  expired: RefundRule;
  /** Of requests whose work had begun, so that a deadline of the user's own does not make it free. Absent in values of before 0.2.0: `none`. */
  expiredWhileProcessing?: RefundRule;
}

const refundRule = { enum: ['all', 'none', 'unsettled'] };

/** What the ledger charges and gives back by. */
export const LedgerSettings = {
  thresholds: defineSetting<number[]>({
    key: 'quota.thresholds',
    schema: { type: 'array', items: { type: 'number', minimum: 0.0001, maximum: 1, multipleOf: 0.0001 }, maxItems: 10, uniqueItems: true },
    default: [0.5, 0.8, 1],
    unit: 'share of the daily quota',
    description: 'The shares of the daily quota whose crossing is recorded as an event, once a period.',
  }),
  refundPolicy: defineSetting<RefundPolicy>({
    key: 'quota.refundPolicy',
    schema: {
      type: 'object',
      properties: {
        failed: refundRule,
        canceledBeforeStart: refundRule,
        canceledWhileProcessing: refundRule,
        expired: refundRule,
        expiredWhileProcessing: refundRule,
      },
      required: ['failed', 'canceledBeforeStart', 'canceledWhileProcessing', 'expired'],
      additionalProperties: false,
    },
    default: { failed: 'all', canceledBeforeStart: 'all', canceledWhileProcessing: 'unsettled', expired: 'all', expiredWhileProcessing: 'none' },
    description:
      'What becomes of the units of a request that does not succeed. `expired` is for those that no worker had begun, `expiredWhileProcessing` (`none` where not stated) for those that one had.',
    visibility: 'public',
  }),
  refundDailyCap: defineSetting<number | null>({
    key: 'quota.refundDailyCap',
    schema: { type: ['integer', 'null'], minimum: 0, maximum: MAX_INTEGER },
    default: null,
    unit: 'units',
    description:
      'How many units are refunded to a user for one day at most; null: no cap. What is settled below the cost is no refund of a failure and does not count.',
  }),
};
