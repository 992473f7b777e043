import { type Page } from '@playwright/test';
import { type Schemas } from '../../packages/client/src/client';

/** Of the pictures: nothing in them changes with the day on which they are taken. */
export const NOW = '2026-03-10T14:30:00.000Z';
const DAY_MS = 86_400_000;
const at = (minutesAgo: number) => new Date(Date.parse(NOW) - minutesAgo * 60_000).toISOString();
const day = (daysAgo: number) => new Date(Date.parse(NOW) - daysAgo * DAY_MS).toISOString().slice(0, 10);
const page = <T>(items: T[]) => ({ items, nextCursor: null });

const USER: Schemas['UserDto'] = {
  id: 1,
  email: 'ada@example.com',
  emailVerified: true,
  pendingEmail: null,
  role: 'admin',
  status: 'active',
  tier: 'pro',
  dailyQuota: 10_000,
  maxInFlight: null,
  unlimited: false,
  timeZone: 'Europe/Vienna',
  externalId: 'customer-17',
  metadata: {},
  adjusted: [],
  createdAt: at(90_000),
  updatedAt: at(900),
  removalDueAt: null,
};

const TIER: Schemas['TierDto'] = {
  id: 1,
  name: 'free',
  dailyQuota: 1_000,
  unlimited: false,
  burstPerMinute: null,
  archived: false,
  limits: null,
  overage: null,
  rollover: null,
  shadow: false,
  dayStartsAt: null,
  maxInFlight: null,
  maxInFlightByType: null,
};

const QUOTA: Schemas['QuotaDto'] = {
  adjusted: [],
  limit: 10_000,
  unlimited: false,
  used: 6_240,
  remaining: 4_260,
  periodStart: '2026-03-09T23:00:00.000Z',
  resetsAt: '2026-03-10T23:00:00.000Z',
  timeZone: 'Europe/Vienna',
  dayStartsAt: '00:00',
  tier: 'pro',
  grants: { remaining: 500, items: [{ id: 3, units: 1_000, remaining: 500, expiresAt: at(-4_000), priority: 100 }] },
  override: null,
  next: null,
  exhaustedAt: at(-300),
};

const STATUSES = ['pending', 'processing', 'succeeded', 'succeeded', 'failed', 'canceled', 'expired', 'succeeded'] as const;
const REQUESTS = STATUSES.map((status, i): Schemas['RequestDto'] => ({
  id: `019c0000-0000-7000-8000-00000000000${i}`,
  userId: 1,
  type: i % 3 === 0 ? 'report' : 'export.csv',
  status,
  cost: i + 1,
  refundedUnits: status === 'failed' ? i + 1 : 0,
  chargedOn: day(0),
  payload: { orderId: 100 + i },
  result: null,
  error: null,
  attempt: status === 'pending' ? 0 : 1,
  createdAt: at(i * 7),
  startedAt: at(i * 7),
  finishedAt: null,
  updatedAt: at(i * 7),
  availableAt: null,
  deadlineAt: null,
  cancelRequestedAt: null,
}));

const KEY: Schemas['ApiKeyDto'] = {
  id: 1,
  name: 'laptop',
  prefix: 'qtd_live_3f',
  scopes: ['requests:read', 'requests:write', 'quota:read'],
  dailyCap: null,
  expiresAt: null,
  previousExpiresAt: null,
  lastUsedAt: at(3),
  createdAt: at(80_000),
};

const USAGE = Array.from({ length: 30 }, (_, i): Schemas['UsageItemDto'] => {
  const used = i === 29 ? 6_240 : 2_000 + ((i * 7_919) % 7_500);
  return { date: day(29 - i), used, refunded: i % 4 === 0 ? 120 : 0, requests: used / 2, limit: 10_000, grants: 0, overage: 0, shadow: 0 } as never;
});

const JOB: Schemas['JobDto'] = {
  name: 'quota-reset',
  cron: '* * * * *',
  timeZone: 'Etc/UTC',
  enabled: true,
  nextRunAt: at(-1),
  adjusted: [],
  lastRuns: [
    { id: '9', slot: at(1), trigger: 'schedule', status: 'succeeded', affected: 12, progress: null, error: null, startedAt: at(1), finishedAt: at(1) },
  ],
};

const METRICS = `quotidian_admission_admitted_total{replica="a"} 48211
quotidian_admission_refused_total 312
quotidian_admission_waiting 0
quotidian_webhook_waiting 4
quotidian_problems_total{code="quota-exceeded"} 280
quotidian_problems_total{code="unauthorized"} 32`;

/** What each path answers, the first that fits. */
const ANSWERS: [path: RegExp, body: unknown][] = [
  [/\/v1\/users\/(me|1)$/, USER],
  [/\/users\/1\/quota$/, QUOTA],
  [/\/users\/1\/usage$/, { items: USAGE }],
  [
    /\/users\/1\/usage\/parts$/,
    {
      items: [{ type: 'report', keyId: 1, used: 4_100, refunded: 60, requests: 2_000 }],
      keys: [{ keyId: 1, name: 'laptop', used: 4_100, refunded: 60, requests: 2_000, lastUsedAt: at(3) }],
      completeFrom: null,
    },
  ],
  [/\/users\/1\/api-keys$/, page([KEY, { ...KEY, id: 2, name: 'worker of the night', dailyCap: 5_000, lastUsedAt: null }])],
  [
    /\/quota\/grants$/,
    page([
      {
        id: 3,
        units: 1_000,
        used: 500,
        remaining: 500,
        priority: 100,
        expiresAt: at(-4_000),
        reason: 'an apology',
        author: 1,
        rolledFrom: null,
        revokedAt: null,
      },
    ]),
  ],
  [/\/v1\/users$/, page([USER, { ...USER, id: 2, email: 'grace@example.com', role: 'user', status: 'suspended', externalId: null }])],
  [/\/v1\/tiers$/, page([TIER, { ...TIER, id: 2, name: 'pro', dailyQuota: 10_000, burstPerMinute: 600, overage: { max: 500 } }])],
  [/\/v1\/tier-changes$/, page([{ userId: 2, email: 'grace@example.com', tier: 'free', next: { tier: 'pro', dailyQuota: 10_000, effectiveAt: at(-2_000) } }])],
  [/\/v1\/requests$/, { ...page(REQUESTS), previousCursor: null }],
  [/\/v1\/events$/, page([{ id: 'e1', type: 'quota.threshold-reached', timestamp: at(20), userId: 2, data: { threshold: 0.8, used: 800, limit: 1_000 } }])],
  [/\/v1\/jobs$/, page([JOB])],
  [
    /\/v1\/replicas$/,
    page([
      { id: 'a', name: 'api-1 17', version: '0.2.0', startedAt: at(4_000), seenAt: at(0), live: true, current: true },
      { id: 'b', name: 'api-2 17', version: '0.1.0', startedAt: at(9_000), seenAt: at(9), live: false, current: false },
    ]),
  ],
  [/\/health\/ready$/, { status: 'ready', checks: { database: { status: 'up' } } }],
];

/** Has the page seen by the service's files and by these answers alone. */
export async function answerFixtures(one: Page): Promise<void> {
  await one.route(/\/(v1|health|metrics)(\/|$|\?)/, async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname.includes('/auth/')) return route.continue();
    if (pathname === '/metrics') return route.fulfill({ contentType: 'text/plain', body: METRICS });
    const [, body] = ANSWERS.find(([path]) => path.test(pathname)) ?? [];
    return body === undefined ? route.fulfill({ status: 204 }) : route.fulfill({ json: body });
  });
}
