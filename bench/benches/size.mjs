import { Agent, request } from 'undici';
import { load } from '../support/load.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { byTurns, median, SCALE, SECONDS } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const seconds = SECONDS;
const USERS = Math.round(1_000_000 * SCALE);
const REQUESTS = Math.round(5_000_000 * SCALE);
const LISTED = 100_000;
const PAGE = 100;
const number = (n) => n.toLocaleString('en-US');

/** Ledger rows of the past, ids ordered by time as the service makes them. Foreign keys hold by construction and are not checked one by one. */
const ledger = (userId, count, ageSeconds) => `
  INSERT INTO requests (id, user_id, type, status, cost, charged_on, payload, created_at)
  SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid, ${userId}, 'report', 'succeeded', 1,
    (at AT TIME ZONE 'UTC')::date, '{"size": 3}', at
  FROM (SELECT n, now() - interval '1 day' - make_interval(secs => ${ageSeconds}.0 * (${count} - n) / ${count}) AS at FROM generate_series(1, ${count}) n) row`;

/** A million users whose day is over, and their requests. */
const large = () => [
  `SET session_replication_role = replica`,
  `INSERT INTO users (email, password_hash, api_quota_used_today, api_quota_requests_today, quota_reset_date)
   SELECT 'large-' || n || '@example.com', 'x', 3, 3, (now() AT TIME ZONE 'UTC')::date - 1 FROM generate_series(1, ${USERS}) n`,
  ledger(`1 + (n * 7919::bigint % ${USERS})::integer`, REQUESTS, 30 * 86_400),
  `VACUUM (ANALYZE) users`,
  `VACUUM (ANALYZE) requests`,
  `CHECKPOINT`,
];

/** Submits with large tables against submits with none; then the close-out of all those users while submits run at half their peak. */
export function flatCostAndCloseOut(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (_, small) =>
    onDatabase(stage, [], async (database) => {
      await stage.seed(database, large());
      const service = await stage.service(database);
      try {
        const { none, full } = await byTurns({
          none: () => load(small, { keys: stage.keys.spread, seconds }),
          full: () => load(service, { keys: stage.keys.spread, seconds }),
        });
        const bench = 'flat cost';
        const figure = `${perSecond(full.perSecond)} with ${number(USERS)} users and ${number(REQUESTS)} requests`;
        const flat = row({
          bench,
          figure,
          baseline: `${perSecond(none.perSecond)} with none`,
          ratio: full.perSecond / none.perSecond,
          atLeast: 0.85,
        });
        return [flat, ...(await closeOut(stage, service, full.perSecond / 2))];
      } finally {
        await service.stop();
      }
    }),
  );
}

async function closeOut(stage, service, rate) {
  const plan = { keys: stage.keys.spread, rate: Math.round(rate), connections: 256 };
  const before = await load(service, { ...plan, seconds: Math.max(seconds, 2) * 2 });
  const done = new AbortController();
  const during = loadUntil(done.signal, service, plan);
  const from = performance.now();
  const { statusCode, body } = await request(`${service.url}/v1/jobs/quota-reset/run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.admin.key}` },
    dispatcher: new Agent({ headersTimeout: 0, bodyTimeout: 0 }),
  });
  const answer = /** @type {{ closedOut: number }} */ (await body.json());
  const taken = (performance.now() - from) / 1_000;
  done.abort();
  const p99 = await during;
  if (statusCode !== 200 || answer.closedOut < USERS) throw new Error(`The close-out answered ${statusCode} ${JSON.stringify(answer)}.`);
  const beside = `beside ${perSecond(plan.rate)} submits`;
  return [
    row({
      bench: 'close-out, time',
      figure: `${number(answer.closedOut)} users, ${beside}`,
      ratio: taken,
      atMost: 60,
      unit: ' s',
    }),
    row({
      bench: 'close-out, p99 of submits',
      figure: ms(p99),
      baseline: `before it ${ms(before.p99)}`,
      ratio: p99 / before.p99,
      atMost: 2,
    }),
  ];
}

/** The median p99 of stretches of load, from now until the signal. */
async function loadUntil(signal, service, plan) {
  const seen = [];
  while (!signal.aborted) seen.push((await load(service, { ...plan, seconds: Math.max(seconds, 2) })).p99);
  return median(seen);
}

/** The first page and page 1,000 of a user's 100,000 requests. */
export function list(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    await stage.seed(database, [`SET session_replication_role = replica`, ledger(stage.hot.id, LISTED, 30 * 86_400), `VACUUM (ANALYZE) requests`]);
    const headers = { authorization: `Bearer ${stage.hot.key}` };
    const page = async (cursor) => {
      const { statusCode, body } = await request(`${service.url}/v1/requests?limit=${PAGE}${cursor ? `&cursor=${cursor}` : ''}`, { headers });
      const answer = /** @type {{ items: unknown[], nextCursor: string | null }} */ (await body.json());
      if (statusCode !== 200 || answer.items.length !== PAGE) throw new Error(`A page answered ${statusCode} with ${answer.items?.length} items.`);
      return answer.nextCursor;
    };
    /** @type {string | null} */
    let cursor = null;
    for (let i = 1; i < LISTED / PAGE; i++) cursor = await page(cursor);
    const times = { first: [], last: [] };
    for (let i = 0; i < 300; i++) {
      for (const [name, at] of [
        ['first', null],
        ['last', cursor],
      ]) {
        const from = performance.now();
        await page(at);
        times[name].push(performance.now() - from);
      }
    }
    const [first, last] = [median(times.first), median(times.last)];
    return [
      row({
        bench: 'list',
        figure: `page ${number(LISTED / PAGE)} of ${PAGE} each: p50 ${ms(last)}`,
        baseline: `first page ${ms(first)}`,
        ratio: last / first,
        within: 0.2,
      }),
    ];
  });
}
