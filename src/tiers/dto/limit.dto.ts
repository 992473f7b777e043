import { type ApiPropertyOptions } from '@nestjs/swagger';
import { LIMIT_PERIODS, type LimitPeriod } from '../../ledger/entities/quota-limit-usage.entity';

/** Units that may be charged in a period, beside the daily quota. */
export class LimitDto {
  /** What rate-limit fields and refusals call it. */
  name: string;
  /** Of the calendar, in the zone of each user and from the hour at which their days begin. */
  period: LimitPeriod;
  units: number;
  /** Of requests that it counts; absent: all. */
  types?: string[];
}

const UNITS = { type: 'integer', format: 'int32', minimum: 1, maximum: 2_147_483_647 } as const;

/** Of a body, in which `assertLimits` checks what is inside. */
export const LIMITS_SCHEMA: ApiPropertyOptions = {
  type: 'array',
  nullable: true,
  maxItems: 10,
  items: {
    type: 'object',
    required: ['name', 'period', 'units'],
    properties: {
      name: { type: 'string', pattern: '^[a-z0-9][a-z0-9._-]{0,29}$', description: 'What rate-limit fields and refusals call it.' },
      period: { type: 'string', enum: [...LIMIT_PERIODS] },
      units: UNITS,
      types: { type: 'array', minItems: 1, maxItems: 50, items: { type: 'string' }, description: 'Of requests that it counts; left out: all.' },
    },
    additionalProperties: false,
  },
};
