import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { ROOT } from '../support/built.mjs';
import { CROWDED, crowd, SEEDED } from '../support/crowd.mjs';
import { load } from '../support/load.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { median, SCALE } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const USERS = Math.round(1_000_000 * SCALE);
const FEW = 1_000;
const CALLS = 40;
/** A call that takes seconds is not made as often as the rest. */
const LONGEST_MS = 5_000;
/** Milliseconds that two measurements of the same differ by on a machine that does other things too. */
const NOISE_MS = 1;
const number = (n) => n.toLocaleString('en-US');

/** @typedef {[method: string, path: string, body?: object]} Call */

/**
 * Every GET route of the document, each list by each of its filters, and what administrators do to one user.
 * @returns {Call[]}
 */
function calls({ id, keyId, requestId, departed }) {
  const { paths } = JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8'));
  const values = { userId: id, keyId, key: 'quota.timeZone', tierId: 'free', id: requestId, code: 'not-found', ...SEEDED };
  const gets = Object.entries(paths)
    .filter(([path, methods]) => 'get' in methods && !path.endsWith('/{id}/events') && !path.includes('authorize'))
    .map(([path]) => /** @type {Call} */ (['GET', path.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? '1'))]));
  const day = 86_400_000;
  const since = new Date(Date.now() - day).toJSON();
  const lists = {
    users: [
      'tier=pro',
      `tier=${CROWDED}`,
      `tier=${CROWDED}&status=suspended`,
      'status=suspended',
      'status=active',
      'email=many-500@example.com',
      'externalId=customer-500',
      'quotaUsedAtLeast=0.9',
      `quotaUsedAtLeast=0.9&tier=${CROWDED}`,
      'metadata[number]=500',
      'metadata[number]=none',
      'metadata[shard]=7&metadata[number]=7',
    ],
    requests: [
      `userId=${id}`,
      `userId=${id}&status=pending`,
      `userId=${id}&type=none`,
      `keyId=${keyId}`,
      `userId=${id}&keyId=${keyId}`,
      'status=failed',
      'status=canceled',
      'status=pending',
      'type=report',
      'type=none',
      `since=${since}`,
      `until=${since}`,
    ],
    'audit-events': [
      'action=user.updated',
      'action=user.quota-reset',
      'action=user.nothing',
      'targetKind=user',
      'targetKind=nothing',
      `targetKind=user&targetId=${id}`,
      `targetId=${id}`,
      `actorId=${id}`,
      'actorKind=command',
      'actorKind=key',
      `actorKeyId=${keyId}`,
      'actorKeyId=2147483647',
      `since=${since}`,
      `until=${since}`,
    ],
    events: ['type=quota.threshold-reached', 'type=user.deleted', `userId=${id}`, `userId=${id}&type=user.deleted`, `since=${since}`, `until=${since}`],
    'webhook-endpoints': ['scope=own', 'scope=all', `userId=${id}`],
    [`webhook-endpoints/${SEEDED.endpointId}/deliveries`]: ['status=failed'],
    [`users/${id}/usage`]: ['from=2026-01-01'],
    [`users/${id}/usage/parts`]: ['from=2026-01-01'],
  };
  const listed = Object.entries(lists).flatMap(([path, queries]) => queries.map((query) => /** @type {Call} */ (['GET', `/v1/${path}?${query}`])));
  const user = `/v1/users/${id}`;
  const override = { dailyQuota: 7, expiresAt: new Date(Date.now() + day).toJSON(), reason: 'bench' };
  return [
    ...gets,
    ...listed,
    ['PUT', `${user}/quota/override`, override],
    ['DELETE', `${user}/quota/override`],
    ['POST', `${user}/quota/reset`, { reason: 'bench' }],
    ['PUT', `${user}/quota/overage`, { max: 5, reason: 'bench' }],
    ['DELETE', `${user}/quota/overage`],
    ['PUT', `${user}/quota/shadow`, { enabled: true, reason: 'bench' }],
    ['DELETE', `${user}/quota/shadow`],
    ['POST', `${user}/quota/grants`, { units: 1, reason: 'bench' }],
    ['PATCH', `${user}?dryRun=true`, { tier: 'pro' }],
    ['PATCH', user, { timeZone: 'Asia/Tokyo' }],
    ['PATCH', user, { timeZone: null }],
    ['PATCH', user, { metadata: { bench: 'yes' } }],
    ['PATCH', user, { tier: 'pro', effective: 'next-period' }],
    ['DELETE', `${user}/tier-change`],
    ['POST', `/v1/users/${departed}/restore`],
    ['DELETE', `${user}/sessions/1`],
  ];
}

/** Whoever is asked about, on the database that both crowds' are made of. */
async function target(stage, database) {
  const { id } = stage.spread[0];
  const [{ keyId }] = await stage.server.query(`SELECT id AS "keyId" FROM api_keys WHERE user_id = $1`, [id], database);
  return { id, keyId, departed: stage.spread[1].id };
}

const firstRequest = async (stage, database, { id }) =>
  (await stage.server.query('SELECT id FROM requests WHERE user_id = $1 ORDER BY id LIMIT 1', [id], database))[0].id;

/** Every read and administrative route with many users against the same with few, by turns; then what the edit of a plan with all of them costs. */
export function scaleReads(stage) {
  return onDatabase(stage, [], (fewUsers) =>
    onDatabase(stage, [], async (manyUsers) => {
      const user = await target(stage, fewUsers);
      await stage.seed(fewUsers, [`DELETE FROM users WHERE id > ${stage.range.first + FEW} AND id <= ${stage.range.last}`, ...crowd(FEW, user, stage.admin)]);
      await stage.seed(manyUsers, crowd(USERS, user, stage.admin));
      const services = [];
      for (const database of [fewUsers, manyUsers]) {
        const asked = calls({ ...user, requestId: await firstRequest(stage, database, user) });
        services.push({ service: await stage.service(database), calls: asked });
      }
      try {
        return [...(await reads(stage, services)), ...(await planEdit(stage, manyUsers, services[1].service))];
      } finally {
        for (const { service } of services) await service.stop();
      }
    }),
  );
}

async function reads(stage, services) {
  const ratios = [];
  for (const n of services[0].calls.keys()) {
    const times = services.map(() => []);
    const from = performance.now();
    for (let i = 0; i < CALLS && (i < 5 || performance.now() - from < LONGEST_MS); i++) {
      for (const [which, { service, calls }] of services.entries()) {
        const [method, path, body] = calls[n];
        times[which].push((await call(stage, service, method, path, body)).took);
      }
    }
    const [few, many] = times.map(median);
    const [method, path] = services[1].calls[n];
    ratios.push({ name: `${method} ${path}`, few, many, ratio: many / few });
  }
  ratios.sort((a, b) => b.ratio - a.ratio);
  const slower = ratios.filter(({ few, many, ratio }) => ratio > 1.5 && many - few > NOISE_MS);
  for (const { name, few, many, ratio } of slower) console.log(`  ${name}: ${ms(few)} with few, ${ms(many)} with many, ${ratio.toFixed(2)}`);
  const [worst] = slower.length > 0 ? slower : ratios;
  return [
    row({
      bench: 'scale-reads',
      figure: `${ratios.length} calls with ${number(USERS)} users, ${slower.length} above 1.5; the slowest beside few: ${worst.name}, p50 ${ms(worst.many)}`,
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
  for (const body of [{ dailyQuota: 2_000 }, { name: `${CROWDED}-renamed` }, { archived: true }]) {
    const path = `/v1/tiers/${body.archived ? `${CROWDED}-renamed` : CROWDED}`;
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

/** @param {object} [body] */
async function call(stage, service, method, path, body) {
  const headers = { authorization: `Bearer ${stage.admin.key}`, ...(body ? { 'content-type': 'application/json' } : {}) };
  const from = performance.now();
  const answer = await request(`${service.url}${path}`, { method, headers, body: body ? JSON.stringify(body) : undefined });
  const text = await answer.body.text();
  const took = performance.now() - from;
  if (answer.statusCode >= 500) throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`);
  return { took, body: text };
}
