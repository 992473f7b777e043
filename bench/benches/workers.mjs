import { load } from '../support/load.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { byTurns, SECONDS } from '../support/rounds.mjs';
import { ServiceProcess } from '../support/service.mjs';
import { onDatabase } from '../support/stage.mjs';

/**
 * `serve --workers 2` against one process. Without a goal: beside PostgreSQL and the load generator on two cores there is no core for the
 * second one. It is 1.3 where the database is elsewhere.
 */
export function workers(stage) {
  const by = (count) => (database) => ServiceProcess.start({ databaseUrl: stage.server.url(database), workers: count });
  return onDatabase(stage, [by(1), by(2)], async (_database, one, two) => {
    const run = (service) => () => load(service, { keys: stage.keys.spread, seconds: SECONDS });
    const found = await byTurns({ one: run(one), two: run(two) });
    const figure = ({ perSecond: rate, p50, p99 }) => `${perSecond(rate)}, p50 ${ms(p50)}, p99 ${ms(p99)}`;
    return [row({ bench: 'workers, two', figure: figure(found.two), baseline: `one: ${figure(found.one)}`, ratio: found.two.perSecond / found.one.perSecond })];
  });
}
