import { makeAccounts } from '../support/accounts.mjs';
import { cpuSeconds } from '../support/cpu.mjs';
import { keyFile, load } from '../support/load.mjs';
import { buildRelease, RELEASE } from '../support/release.mjs';
import { row } from '../support/report.mjs';
import { byTurns, SECONDS } from '../support/rounds.mjs';
import { onDatabase, SPREAD } from '../support/stage.mjs';
import { ServiceProcess } from '../support/service.mjs';

const seconds = SECONDS;

/** Processor time of the service and its database for each submit, beside that of the first release, by turns in one run. */
export async function cpuPerSubmit(stage) {
  const root = buildRelease();
  await stage.server.query('CREATE DATABASE release');
  const databaseUrl = stage.server.url('release');
  const release = await ServiceProcess.start({ databaseUrl, root });
  try {
    const accounts = await makeAccounts((text, values) => stage.server.query(text, values, 'release'), SPREAD);
    const keys = keyFile(accounts);
    return await onDatabase(stage, [(db) => stage.service(db)], async (_, service) => {
      const { then, now, thenHot, nowHot } = await byTurns({
        then: () => cost(stage, release, keys),
        now: () => cost(stage, service, stage.keys.spread),
        thenHot: () => cost(stage, release, keyFile(accounts.slice(0, 1))),
        nowHot: () => cost(stage, service, stage.keys.hot),
      });
      return [line('cpu-per-submit', now, then, 0.65), line('cpu-per-submit, one user', nowHot, thenHot)];
    });
  } finally {
    await release.stop();
    await stage.server.query('DROP DATABASE release WITH (FORCE)');
  }
}

export async function cost(stage, service, keys) {
  const spent = () => ({ service: cpuSeconds(service.child.pid), database: cpuSeconds(stage.server.pid) });
  const before = spent();
  const { requests } = await load(service, { keys, seconds });
  const after = spent();
  const micros = (part) => ((after[part] - before[part]) * 1e6) / requests;
  return { service: micros('service'), database: micros('database'), both: micros('service') + micros('database') };
}

function line(bench, now, then, atMost) {
  const told = ({ both, service, database }) => `${both.toFixed(0)} µs (service ${service.toFixed(0)}, database ${database.toFixed(0)})`;
  return row({ bench, figure: told(now), baseline: `${RELEASE} ${told(then)}`, ratio: now.both / then.both, atMost });
}
