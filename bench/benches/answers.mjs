import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { request } from 'undici';
import { keyFile, load } from '../support/load.mjs';
import { bareLatency } from '../support/pgbench.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { byTurns, SECONDS } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const seconds = SECONDS;

/** Refusals of one user who is out of quota against accepted requests. */
export function refuse(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (_, service) => {
    const { refused, accepted } = await byTurns({
      refused: () => load(service, { keys: stage.keys.exhausted, seconds, expect: 'refused' }),
      accepted: () => load(service, { keys: stage.keys.spread, seconds }),
    });
    const figure = `${perSecond(refused.perSecond)}, p99 ${ms(refused.p99)}`;
    return [
      row({
        bench: 'refuse',
        figure,
        baseline: `accepted ${perSecond(accepted.perSecond)}`,
        ratio: refused.perSecond / accepted.perSecond,
        atLeast: 1,
      }),
    ];
  });
}

/** The gateway check against submit-spread. */
export function authorize(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (_, service) => {
    const plan = { keys: stage.keys.spread, seconds, method: 'GET', path: '/v1/authorize', body: null };
    const headers = { authorization: `Bearer ${stage.hot.key}` };
    const { statusCode, body } = await request(`${service.url}${plan.path}`, { headers });
    await body.dump();
    if (statusCode === 404) return [row({ bench: 'authorize', figure: 'this build has no such route' })];
    const { checked, submitted } = await byTurns({
      checked: () => load(service, plan),
      submitted: () => load(service, { keys: stage.keys.spread, seconds }),
    });
    const figure = `${perSecond(checked.perSecond)}, p50 ${ms(checked.p50)}, p99 ${ms(checked.p99)}`;
    return [
      row({
        bench: 'authorize',
        figure,
        baseline: `submit-spread ${perSecond(submitted.perSecond)}`,
        ratio: checked.perSecond / submitted.perSecond,
        atLeast: 1,
      }),
    ];
  });
}

/** One connection, one request after another, against the bare statement on one connection to the database. */
export function lightLoad(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    // Few enough that the first round has met them all: this is about answers, not about filling the cache of keys.
    const few = stage.spread.slice(0, 100);
    const [keys, userIds] = [keyFile(few), few.map(({ id }) => id)];
    const { bare, submit } = await byTurns({
      bare: () => bareLatency(stage.server, database, userIds, seconds),
      submit: () => load(service, { keys, seconds, connections: 1 }),
    });
    const figure = `p50 ${ms(submit.p50)}, p99 ${ms(submit.p99)}`;
    return [
      row({
        bench: 'light-load latency',
        figure,
        baseline: `bare statement p50 ${ms(bare.p50)}`,
        ratio: submit.p50 / bare.p50,
        atMost: 2,
      }),
    ];
  });
}

/** What the process holds more when the database stops answering and its queue of charges is nearly full. */
export function queue(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    const connections = 4_200;
    const work = load(service, { keys: stage.keys.spread, seconds: 9, connections, own: true });
    const client = new pg.Client({ connectionString: stage.server.url(database) });
    await client.connect();
    try {
      // The same connections at work first: what they hold themselves is not the queue's.
      await delay(5_000);
      const before = service.memory().now;
      await client.query('BEGIN; LOCK TABLE users IN EXCLUSIVE MODE');
      await delay(2_000);
      const during = service.memory().now;
      await client.query('COMMIT');
      await work;
      const figure = `${connections} charges wait: ${Math.round(during)} MiB resident`;
      return [
        row({
          bench: 'queue at its bound',
          figure,
          baseline: `${Math.round(before)} MiB before`,
          ratio: during - before,
          atMost: 50,
          unit: ' MiB',
        }),
      ];
    } finally {
      await client.end();
      await work.catch(() => undefined);
    }
  });
}
