import { existsSync } from 'node:fs';
import { request } from 'undici';
import { ms, row } from '../support/report.mjs';
import { median, SCALE } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const USERS = Math.round(1_000_000 * SCALE);
const REQUESTS = Math.round(5_000_000 * SCALE);
/** Of them, of one user. */
const OWN = Math.round(REQUESTS / 5);
const LOADS = 5;
const THROTTLE = 4;
const FETCHES = 200;
const EMAIL = 'operator@example.com';
const PASSWORD = 'a password of the bench';
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const number = (n) => n.toLocaleString('en-US');

/** A month of requests; one in a hundred thousand has a member that is looked for, and a type of its own. */
const seed = ({ hot, first }) => [
  `SET session_replication_role = replica`,
  `INSERT INTO users (email, password_hash, api_quota_daily, api_quota_used_today, api_quota_requests_today, quota_reset_zone)
   SELECT 'many-' || n || '@example.com', 'x', 100, n % 101, n % 101, 'Etc/UTC' FROM generate_series(1, ${USERS}) n`,
  `INSERT INTO requests (id, user_id, type, status, cost, payload, charged_on, created_at, updated_at, started_at, finished_at)
   SELECT (left(at, 8) || '-' || right(at, 4) || '-7' || lpad(to_hex(n % 4096), 3, '0') || '-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
     CASE WHEN n % ${REQUESTS / OWN} = 0 THEN ${hot} ELSE ${first} + n % 10000 END,
     CASE WHEN n % 100000 = 1 THEN 'rare' ELSE 'report' END, CASE WHEN n % 1000 = 7 THEN 'failed' ELSE 'succeeded' END, 1,
     CASE WHEN n % 100000 = 1 THEN jsonb_build_object('sought', n) ELSE jsonb_build_object('order', n, 'text', repeat('x', 100)) END,
     begun::date, begun, begun, begun, begun
   FROM (SELECT n, begun, lpad(to_hex((extract(epoch FROM begun) * 1000)::bigint), 12, '0') AS at
     FROM (SELECT n, now() - make_interval(secs => (${REQUESTS} - n) * (2592000.0 / ${REQUESTS})) AS begun FROM generate_series(1, ${REQUESTS}) n) s) s`,
  `VACUUM (ANALYZE) users, requests`,
  `CHECKPOINT`,
];

const pagesOf = (userId) => [
  '',
  'users',
  'users?used=0.8',
  `users?find=many-${Math.round(USERS / 2)}@example.com`,
  'users?status=suspended',
  ...[
    'today',
    'usage',
    'usage&days=90',
    'requests',
    'requests&type=rare',
    'requests&status=failed',
    'requests&payloadKey=sought',
    'grants',
    'keys',
    'settings',
  ].map((tab) => `users/${userId}?tab=${tab}`),
  ...['sessions', 'account', 'webhooks'].map((tab) => `users/${userId}?tab=${tab}`),
  'requests',
  'requests?type=rare',
  'requests?payloadKey=sought',
  'requests?payloadKey=nothing&payloadValue=x',
  'requests?status=failed',
  'requests?status=expired',
  'requests?status=pending&type=rare',
  'plans',
  'plan-changes',
  'settings',
  'audit',
  'jobs',
  'health',
  'webhooks',
];

/** The pages of the console in a browser, with a million users and five million requests; then how it begins on a slow machine, and what it costs the service. */
export async function consoleMillion(stage) {
  const executablePath = CHROMIUM.find((place) => place && existsSync(place));
  if (executablePath === undefined) throw new Error('no Chromium is here (apt-get install chromium)');
  const { chromium } = await import('@playwright/test');
  return onDatabase(stage, [], async (database) => {
    await stage.seed(database, seed({ hot: stage.hot.id, first: stage.range.first }));
    const service = await stage.service(database);
    const bare = await stage.service(database, { CONSOLE_ENABLED: 'false' });
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    try {
      // Before anything else was asked of one of the two.
      const ofMemory = await memory(service, bare);
      await makeOperator(service, stage.admin.key);
      return [...(await pages(browser, service, stage.hot.id)), ...(await begin(browser, service)), ofMemory];
    } finally {
      await browser.close();
      await service.stop();
      await bare.stop();
    }
  });
}

async function makeOperator({ url }, key) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ email: EMAIL, password: PASSWORD, role: 'admin' });
  const answer = await request(`${url}/v1/users`, { method: 'POST', headers, body });
  if (answer.statusCode !== 201) throw new Error(await answer.body.text());
}

async function logIn(browser, { url }) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(`${url}/console/`);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log in' }).click();
  await settled(page);
  return page;
}

/** When the page has all that it asked for. */
async function settled(page) {
  await page.locator('main#main h1').first().waitFor();
  await page.locator('.waiting').first().waitFor({ state: 'detached' });
}

async function pages(browser, service, userId) {
  const page = await logIn(browser, service);
  /** @type {{ name: string, took: number }[]} */
  const loads = [];
  /** @type {{ name: string, took: number }[]} */
  const calls = [];
  page.on('requestfinished', (one) => {
    const { responseEnd } = one.timing();
    // A stream ends with the page, and a login with the pace of its hash.
    if (responseEnd > 0 && !new URL(one.url()).pathname.endsWith('/events'))
      calls.push({ name: `${one.method()} ${new URL(one.url()).pathname}${new URL(one.url()).search}`, took: responseEnd });
  });
  for (const path of pagesOf(userId)) {
    const times = [];
    for (let i = 0; i < LOADS; i++) {
      const from = performance.now();
      await page.goto(`${service.url}/console/${path}`);
      await settled(page);
      times.push(performance.now() - from);
    }
    loads.push({ name: path || 'the overview', took: median(times) });
  }
  await page.context().close();
  const worst = (list) => list.reduce((one, other) => (other.took > one.took ? other : one));
  const byName = new Map();
  for (const { name, took } of calls) byName.set(name, [...(byName.get(name) ?? []), took]);
  const [slowest, call] = [worst(loads), worst([...byName].map(([name, times]) => ({ name, took: median(times) })))];
  const bench = `console-million`;
  return [
    row({
      bench: `${bench}, pages`,
      figure: `${loads.length} with ${number(USERS)} users and ${number(REQUESTS)} requests, p50 ${ms(median(loads.map(({ took }) => took)))}; the slowest: ${slowest.name}`,
      ratio: slowest.took / 1_000,
      atMost: 1,
      unit: ' s',
    }),
    row({
      bench: `${bench}, requests of them`,
      figure: `${byName.size}, p50 ${ms(median(calls.map(({ took }) => took)))}; the slowest: ${call.name}`,
      ratio: call.took / 1_000,
      atMost: 0.5,
      unit: ' s',
    }),
  ];
}

/** With nothing in the browser's cache, on a processor that is slowed down. */
async function begin(browser, service) {
  /** @type {number[]} */
  const paints = [];
  /** @type {number[]} */
  const ready = [];
  /** @type {{ files: number, kB: number }[]} */
  const sizes = [];
  for (let i = 0; i < LOADS; i++) {
    const page = await logIn(browser, service);
    const state = await page.context().storageState();
    await page.context().close();
    const context = await browser.newContext({ storageState: state });
    const fresh = await context.newPage();
    const devtools = await context.newCDPSession(fresh);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: THROTTLE });
    const files = [];
    fresh.on('response', (answer) => {
      if (answer.url().includes('/console/')) files.push(Number(answer.headers()['content-length'] ?? 0));
    });
    await fresh.goto(`${service.url}/console/`);
    await settled(fresh);
    ready.push(await fresh.evaluate(() => performance.now()));
    paints.push(await fresh.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN));
    sizes.push({ files: files.length, kB: files.reduce((sum, bytes) => sum + bytes, 0) / 1_000 });
    await context.close();
  }
  const [{ files, kB }] = sizes;
  const slow = `the processor ${THROTTLE} × slower, nothing cached`;
  return [
    row({ bench: 'console, first paint', figure: slow, ratio: median(paints) / 1_000, atMost: 1, unit: ' s' }),
    row({ bench: 'console, the overview shown', figure: slow, ratio: median(ready) / 1_000, atMost: 1.5, unit: ' s' }),
    row({ bench: 'console, first load', figure: `${files} files, compressed`, ratio: kB, atMost: 200, unit: ' kB' }),
  ];
}

/** What the service keeps for its pages: beside one without them, which answers as many calls of another kind. */
async function memory(service, bare) {
  const { body } = await request(`${service.url}/console/`);
  const names = [...(await body.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => name);
  for (let i = 0; i < FETCHES; i++) {
    for (const name of names) {
      for (const url of [service.url + name, `${bare.url}/health/live`]) await (await request(url, { headers: { 'accept-encoding': 'br' } })).body.dump();
    }
  }
  const [own, others] = [service.memory().now, bare.memory().now];
  return row({
    bench: 'console, resident memory',
    figure: `${own.toFixed(0)} MiB after ${number(FETCHES * names.length)} files`,
    baseline: `without it ${others.toFixed(0)} MiB`,
    ratio: own - others,
    atMost: 10,
    unit: ' MiB',
  });
}
