import { defineSetting } from '../configurations/setting';

export const IdempotencySettings = {
  retentionHours: defineSetting<number>({
    key: 'idempotency.retentionHours',
    schema: { type: 'integer', minimum: 24, maximum: 8_760 },
    default: 24,
    unit: 'hours',
    description: 'For how many hours an Idempotency-Key answers with what it answered first.',
    visibility: 'public',
  }),
};
