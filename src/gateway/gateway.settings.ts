import { defineSetting } from '../settings/setting';

/** Refuses, or lets through uncounted within a budget. */
export type FailMode = 'closed' | 'open';

const BUDGET = { type: 'integer', minimum: 1, maximum: 100_000 };

/** What the gateway check does while the database cannot answer. */
export const GatewaySettings = {
  failMode: defineSetting<FailMode>({
    key: 'gateway.failMode',
    schema: { enum: ['closed', 'open'] },
    default: 'closed',
    description:
      'What the gateway check answers while the database cannot: `closed` refuses by 503; `open` lets calls of keys that it has known for a while through, uncounted, within the two budgets, and counts them once the database is back.',
  }),
  uncountedUnits: defineSetting<number>({
    key: 'gateway.uncountedUnits',
    schema: BUDGET,
    default: 1_000,
    unit: 'units',
    description:
      'How many units each process may let through uncounted, of all users, until it has reported them to the database. Means nothing where `gateway.failMode` is `closed`.',
  }),
  uncountedUnitsPerUser: defineSetting<number>({
    key: 'gateway.uncountedUnitsPerUser',
    schema: BUDGET,
    default: 20,
    unit: 'units',
    description: 'The same of one user.',
  }),
};
