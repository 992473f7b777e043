import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { ROOT } from '../support/built.mjs';
import { load } from '../support/load.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { median, SCALE } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const USERS = Math.round(1_000_000 * SCALE);
const FEW = 1_000;
const CALLS = 40;
const PLAN = 'crowded';
const number = (n) => n.toLocaleString('en-US');

const users = (count) => [
  `INSERT INTO subscription_tiers (name, daily_quota) VALUES ('${PLAN}', 1000)`,
  `SET session_replication_role = replica`,
  `INSERT INTO users (email, password_hash, subscription_tier, api_quota_daily, api_quota_used_today, api_quota_requests_today, quota_reset_zone)
   SELECT 'many-' || n || '@example.com', 'x', '${PLAN}', 1000, 3, 3, 'Etc/UTC' FROM generate_series(1, ${count}) n`,
  `VACUUM (ANALYZE) users`,
  `CHECKPOINT`,
];

/** @typedef {[method: string, path: string, body?: object]} Call */

/**
 * Every GET route of the document, and what administrators do to one user.
 * @returns {Call[]}
 */
function calls(userId) {
  const { paths } = JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8'));
  const values = { userId, key: 'quota.timeZone', tierId: 'free', id: '00000000-0000-7000-8000-000000000000' };
  const gets = Object.entries(paths)
    .filter(([path, methods]) => 'get' in methods && !path.endsWith('/events') && !path.includes('authorize'))
    .map(([path]) => /** @type {Call} */ (['GET', path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '1')]));
  const lists = ['tier=pro', `tier=${PLAN}`, 'status=suspended', 'email=many-500@example.com', 'quotaUsedAtLeast=0.9'].map(
    (query) => /** @type {Call} */ (['GET', `/v1/users?${query}`]),
  );
  const user = `/v1/users/${userId}`;
  const override = { dailyQuota: 7, expiresAt: new Date(Date.now() + 86_400_000).toJSON(), reason: 'bench' };
  return [
    ...gets,
    ...lists,
    ['PUT', `${user}/quota/override`, override],
    ['DELETE', `${user}/quota/override`],
    ['POST', `${user}/quota/reset`, { reason: 'bench' }],
    ['PATCH', `${user}?dryRun=true`, { tier: 'pro' }],
    ['PATCH', user, { timeZone: 'Asia/Tokyo' }],
    ['PATCH', user, { timeZone: null }],
  ];
}

/** Every read and administrative route with many users against the same with few, by turns; then what the edit of a plan with all of them costs. */
export function scaleReads(stage) {
  return onDatabase(stage, [], (fewUsers) =>
    onDatabase(stage, [], async (manyUsers) => {
      await stage.seed(fewUsers, [`DELETE FROM users WHERE id > ${stage.range.first + FEW} AND id <= ${stage.range.last}`, ...users(FEW)]);
      await stage.seed(manyUsers, users(USERS));
      const services = [await stage.service(fewUsers), await stage.service(manyUsers)];
      try {
        return [...(await reads(stage, services)), ...(await planEdit(stage, manyUsers, services[1]))];
      } finally {
        for (const service of services) await service.stop();
      }
    }),
  );
}

async function reads(stage, services) {
  const ratios = [];
  for (const [method, path, body] of calls(stage.spread[0].id)) {
    const times = services.map(() => []);
    for (let i = 0; i < CALLS; i++) {
      for (const [n, service] of services.entries()) times[n].push((await call(stage, service, method, path, body)).took);
    }
    const [few, many] = times.map(median);
    ratios.push({ name: `${method} ${path}`, few, many, ratio: many / few });
  }
  ratios.sort((a, b) => b.ratio - a.ratio);
  const [worst] = ratios;
  return [
    row({
      bench: 'scale-reads',
      figure: `${ratios.length} routes with ${number(USERS)} users; the slowest beside few: ${worst.name}, p50 ${ms(worst.many)}`,
      baseline: `${number(2 * FEW)} users: ${ms(worst.few)}`,
      ratio: worst.ratio,
      atMost: 1.5,
    }),
    row({
      bench: 'scale-reads, all routes',
      figure: `p50 ${ms(median(ratios.map(({ many }) => many)))}`,
      baseline: ms(median(ratios.map(({ few }) => few))),
      ratio: median(ratios.map(({ ratio }) => ratio)),
      atMost: 1.5,
    }),
  ];
}

/** How long the caller waits, how long the copies take, and what others notice meanwhile. */
async function planEdit(stage, database, service) {
  const plan = { keys: stage.keys.spread, connections: 32, rate: 500, seconds: 5 };
  const calm = await load(service, plan);
  const waits = [];
  let during = load(service, plan);
  for (const body of [{ dailyQuota: 2_000 }, { name: `${PLAN}-renamed` }, { archived: true }]) {
    const path = `/v1/tiers/${body.archived ? `${PLAN}-renamed` : PLAN}`;
    waits.push((await call(stage, service, 'PATCH', path, body)).took);
  }
  const from = performance.now();
  const p99 = [];
  for (;;) {
    p99.push((await during).p99);
    const [{ copied }] = await stage.server.query(`SELECT quota_plans() IS NULL AS copied`, [], database);
    if (copied) break;
    during = load(service, plan);
  }
  const took = (performance.now() - from) / 1_000;
  const bench = `edit of a plan with ${number(USERS)} users`;
  return [
    row({
      bench: `${bench}, its caller`,
      figure: `quota, name, archived: ${waits.map(ms).join(', ')}`,
      ratio: Math.max(...waits) / 1_000,
      atMost: 1,
      unit: ' s',
    }),
    row({ bench: `${bench}, the copies`, figure: `beside ${perSecond(plan.rate)} submits`, ratio: took, atMost: 60, unit: ' s' }),
    row({ bench: `${bench}, p99 of submits`, figure: ms(median(p99)), baseline: `before it ${ms(calm.p99)}`, ratio: median(p99) / calm.p99, atMost: 1.5 }),
  ];
}

async function call(stage, service, method, path, body) {
  const headers = { authorization: `Bearer ${stage.admin.key}`, ...(body ? { 'content-type': 'application/json' } : {}) };
  const from = performance.now();
  const answer = await request(`${service.url}${path}`, { method, headers, body: body ? JSON.stringify(body) : undefined });
  const text = await answer.body.text();
  const took = performance.now() - from;
  if (answer.statusCode >= 500) throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`);
  return { took, body: text };
}
