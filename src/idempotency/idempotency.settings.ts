import { defineSetting } from '../settings/setting';

export const IdempotencySettings = {
  retentionHours: defineSetting<number>({
    key: 'idempotency.retentionHours',
    schema: { type: 'integer', minimum: 24, maximum: 8_760 },
    default: 24,
    unit: 'hours',
    description: 'For how many hours an Idempotency-Key answers with what it answered first.',
    visibility: 'public',
  }),
  maxAnswersPerUser: defineSetting<number>({
    key: 'idempotency.maxAnswersPerUser',
    schema: { type: 'integer', minimum: 100, maximum: 1_000_000 },
    default: 1_000,
    unit: 'answers',
    description: 'How many answers of one kind are kept under Idempotency-Keys for a user. What is charged and what administrators do is not counted.',
    visibility: 'public',
  }),
};
