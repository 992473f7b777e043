// npm run bench [-- <names…>]: every bench of the goals table, or those named. A goal that is missed is printed, and no
// failure; a bench that cannot be carried out is one.
import { build } from './support/built.mjs';

build();
const [
  { authorize, lightLoad, queue, refuse },
  { clientBatching },
  { consoleMillion },
  { cpuPerSubmit },
  { submitBesideEvents },
  { submitWithForms },
  { loginBeside, loginTiming },
  { neighbour },
  { settingRead, settingsFlat, settingsList, settingsLive },
  { scaleReads },
  { flatCostAndCloseOut, list },
  { start },
  { submitHot, submitSpread, vsPeer, vsUsual },
  { webhooks },
  { pickUp, streams, vsQueues, workFlat, workRate },
  { workers },
] = await Promise.all([
  import('./benches/answers.mjs'),
  import('./benches/batching.mjs'),
  import('./benches/console.mjs'),
  import('./benches/cost.mjs'),
  import('./benches/events.mjs'),
  import('./benches/forms.mjs'),
  import('./benches/login.mjs'),
  import('./benches/neighbour.mjs'),
  import('./benches/settings.mjs'),
  import('./benches/reads.mjs'),
  import('./benches/size.mjs'),
  import('./benches/start.mjs'),
  import('./benches/submit.mjs'),
  import('./benches/webhooks.mjs'),
  import('./benches/work.mjs'),
  import('./benches/workers.mjs'),
]);
const { Stage } = await import('./support/stage.mjs');
const { facts, print, write } = await import('./support/report.mjs');
const { DRIVER } = await import('./support/pgbench.mjs');
const { hasWrk } = await import('./support/load.mjs');

const BENCHES = {
  'submit-spread': submitSpread,
  'submit-hot': submitHot,
  'cpu-per-submit': cpuPerSubmit,
  'client-batching': clientBatching,
  events: submitBesideEvents,
  forms: submitWithForms,
  'vs-usual': vsUsual,
  'vs-peer': vsPeer,
  refuse,
  authorize,
  'light-load': lightLoad,
  'flat-cost': flatCostAndCloseOut,
  list,
  'scale-reads': scaleReads,
  'console-million': consoleMillion,
  queue,
  'login-timing': loginTiming,
  'login-beside': loginBeside,
  neighbour,
  start,
  'setting-read': settingRead,
  'settings-list': settingsList,
  'settings-flat': settingsFlat,
  'settings-live': settingsLive,
  'work-rate': workRate,
  'vs-queues': vsQueues,
  'work-flat': workFlat,
  'pick-up': pickUp,
  streams,
  webhooks,
  workers,
};
const GROUPS = {
  login: ['login-timing', 'login-beside'],
  work: ['work-rate', 'vs-queues', 'work-flat', 'pick-up', 'streams'],
  settings: ['setting-read', 'settings-list', 'settings-flat', 'settings-live'],
  submit: ['submit-spread', 'submit-hot', 'vs-usual'],
  memory: ['submit-spread'],
  'close-out': ['flat-cost'],
};

const asked = process.argv.slice(2);
const names = [...new Set(asked.length === 0 ? Object.keys(BENCHES) : asked.flatMap((name) => GROUPS[name] ?? [name]))];
const unknown = names.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${[...Object.keys(BENCHES), ...Object.keys(GROUPS)].join(', ')}.`);
  process.exit(2);
}
if (!hasWrk) console.log('wrk is not installed (apt-get install wrk): our own, slower load generator in Node is used, which takes more of the processor.');
if (DRIVER !== 'pgbench')
  console.log("pgbench is not installed (apt-get install postgresql-contrib or your platform's): the bare statement is driven by a Node pool of 16.");

const stage = await Stage.set();
const rows = [];
let failed = 0;
for (const name of names) {
  process.stdout.write(`${name} …`);
  const from = performance.now();
  try {
    rows.push(...(await BENCHES[name](stage)));
    process.stdout.write(` ${((performance.now() - from) / 1_000).toFixed(0)} s\n`);
  } catch (error) {
    failed++;
    process.stdout.write(` FAILED\n${error.stack}\n`);
  }
}
const lines = facts(stage);
await stage.strike();
print(rows);
for (const line of lines) console.log(`- ${line}`);
if (rows.length > 0 && process.env.BENCH_WRITE !== 'false') write(rows, lines);
const missed = rows.filter((cells) => cells.at(-1) === 'NO').map(([bench]) => bench);
console.log(missed.length === 0 ? 'Every goal that was measured is met.' : `Goals missed: ${missed.join('; ')}.`);
process.exit(failed === 0 ? 0 : 1);
