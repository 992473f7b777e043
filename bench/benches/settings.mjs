import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Agent, request } from 'undici';
import { makeAccounts, USER_SCOPES } from '../support/accounts.mjs';
import { built } from '../support/built.mjs';
import { keyFile, load } from '../support/load.mjs';
import { ms, row } from '../support/report.mjs';
import { byTurns, median, SCALE, SECONDS } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const seconds = SECONDS;
const LISTED = 100;
const OWN = 10;
const USERS = 100;
const OVERRIDES = Math.round(1_000_000 * SCALE);
const CHANGES = 300;
const READS = 20_000_000;
const SCOPES = [...USER_SCOPES, 'configurations:read'];
const number = (n) => n.toLocaleString('en-US');

/** Reading a setting in process, as a module of the service does. */
export async function settingRead() {
  const { SettingsService } = built('settings/settings.service');
  const { RequestSettings } = built('requests/requests.settings');
  const written = { key: RequestSettings.maxPayloadBytes.key, value: 1_000, visibility: 'public' };
  const settings = new SettingsService(
    { states: () => Promise.resolve(new Map([[written.key, { row: written, version: 1 }]])) },
    { allows: () => true },
    {},
    { onGap() {}, async on() {} },
  );
  await settings.onModuleInit();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  /** @type {number[][]} */
  const [runs, grown] = [[], []];
  for (let run = 0; run < 6; run++) {
    collect();
    const [heap, from] = [process.memoryUsage().heapUsed, performance.now()];
    for (let i = 0; i < READS; i++) settings.get(i % 2 === 0 ? RequestSettings.maxPayloadBytes : RequestSettings.leaseSeconds);
    runs.push(((performance.now() - from) / READS) * 1e6);
    grown.push((process.memoryUsage().heapUsed - heap) / READS);
  }
  settings.onModuleDestroy();
  const figure = 'one written, one default';
  return [
    row({ bench: 'setting, read in process', figure, ratio: median(runs.slice(1)), atMost: 1_000, unit: ' ns' }),
    row({ bench: 'setting, allocated by a read', figure: `${number(READS)} reads`, ratio: Math.max(...grown.slice(1)), atMost: 0.01, unit: ' B' }),
  ];
}

/** Users who may read their settings, with own values for the first keys of as many as make the list full. */
async function withSettings(stage, database) {
  const users = await makeAccounts((text, values) => stage.server.query(text, values, database), USERS, { scopes: SCOPES });
  await stage.seed(database, [
    `INSERT INTO system_configurations (key, value, schema, description, visibility, overridable)
     SELECT 'bench.' || n, '"light"', '{"type": "string", "maxLength": 20}', 'What the front end shows, number ' || n || '.', 'public', true
     FROM generate_series(1, ${LISTED}) n`,
    `INSERT INTO user_configurations (user_id, key, value)
     SELECT u, 'bench.' || n, '"dark"' FROM generate_series(${users[0].id}, ${users[users.length - 1].id}) u, generate_series(1, ${OWN}) n`,
    'VACUUM ANALYZE user_configurations',
  ]);
  return keyFile(users);
}

const reading = (keys, path) => ({ keys, seconds, method: 'GET', path: `/v1/users/me/configurations${path}`, body: null });

/** The list of a user's effective settings. */
export function settingsList(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    const keys = await withSettings(stage, database);
    const { list } = await byTurns({ list: () => load(service, reading(keys, `?limit=${LISTED}`)) });
    const figure = `${LISTED} keys, ${OWN} of them the user's own; p50 ${ms(list.p50)}, p99 ${ms(list.p99)}`;
    return [row({ bench: 'settings of a user', figure, ratio: list.perSecond, atLeast: 3_000, unit: '/s' })];
  });
}

/** One effective setting, and the list, beside other users' values and without them. */
export function settingsFlat(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], (small, without) =>
    onDatabase(stage, [(db) => stage.service(db)], async (large, beside) => {
      const keys = { without: await withSettings(stage, small), beside: await withSettings(stage, large) };
      const { first, last } = stage.range;
      const each = Math.ceil(OVERRIDES / (last - first + 1));
      await stage.seed(large, [
        `INSERT INTO user_configurations (user_id, key, value)
         SELECT u, 'bench.' || n, '"dark"' FROM generate_series(${first}, ${last}) u, generate_series(1, ${each}) n`,
        'VACUUM ANALYZE user_configurations',
      ]);
      // Else what a million rows left to be written is written beside the one that is measured.
      await stage.server.query('CHECKPOINT');
      const at = (service, name, path) => () => load(service, { ...reading(keys[name], path), connections: 2 });
      const seen = await byTurns({
        one: at(beside, 'beside', '/bench.1'),
        oneBefore: at(without, 'without', '/bench.1'),
        list: at(beside, 'beside', `?limit=${LISTED}`),
        listBefore: at(without, 'without', `?limit=${LISTED}`),
      });
      const line = (bench, now, before) => {
        const figure = `p50 ${ms(now.p50)} with ${number(OVERRIDES)} values of other users`;
        return row({ bench, figure, baseline: `p50 ${ms(before.p50)} with none`, ratio: now.p50 / before.p50, atMost: 1.2 });
      };
      return [line('effective setting, flat', seen.one, seen.oneBefore), line('settings of a user, flat', seen.list, seen.listBefore)];
    }),
  );
}

/** From sending a change to one of three replicas until each of them answers with it, over HTTP. */
export function settingsLive(stage) {
  const opener = (db) => stage.service(db);
  return onDatabase(stage, [opener, opener, opener], async (database, ...replicas) => {
    const [admin] = await makeAccounts((text, values) => stage.server.query(text, values, database), 1, { role: 'admin', scopes: [...SCOPES, 'admin'] });
    const dispatcher = new Agent({ connections: 8 });
    const headers = { authorization: `Bearer ${admin.key}`, 'content-type': 'application/json', 'if-match': '*' };
    const put = async (value) => {
      const body = JSON.stringify({ value, visibility: 'public' });
      const condition = value === 0 ? { 'if-none-match': '*', 'if-match': undefined } : {};
      const answer = await request(`${replicas[0].url}/v1/configurations/a.first`, { method: 'PUT', headers: { ...headers, ...condition }, body, dispatcher });
      if (answer.statusCode >= 300) throw new Error(`PUT: ${answer.statusCode} ${await answer.body.text()}`);
      await answer.body.dump();
    };
    const shows = async ({ url }, value) => {
      const { body } = await request(`${url}/v1/users/me/configurations?limit=1`, { headers, dispatcher });
      const page = /** @type {{ items: { value: unknown }[] }} */ (await body.json());
      return page.items[0].value === value;
    };
    const took = [];
    for (let value = 0; value < CHANGES; value++) {
      const from = performance.now();
      const until = async (replica) => {
        while (!(await shows(replica, value))) if (performance.now() - from > 30_000) throw new Error('A replica never showed the change.');
        took.push(performance.now() - from);
      };
      await Promise.all([put(value), ...replicas.map(until)]);
    }
    await dispatcher.close();
    took.sort((a, b) => a - b);
    const at = (share) => took[Math.ceil(took.length * share) - 1];
    const figure = `${CHANGES} changes, from the write on: p50 ${ms(at(0.5))}, at most ${ms(at(1))}`;
    return [row({ bench: 'setting, in force on 3 replicas', figure, ratio: at(0.99), atMost: 1_000, unit: ' ms' })];
  });
}
