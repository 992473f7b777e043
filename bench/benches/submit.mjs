import { load } from '../support/load.mjs';
import { bareStatement, DRIVER } from '../support/pgbench.mjs';
import { ms, perSecond, row } from '../support/report.mjs';
import { byTurns, SECONDS } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

const seconds = SECONDS;

/** Accepted requests over HTTP, spread over 10,000 users, against the bare statement; with and without an Idempotency-Key; and what memory that takes. */
export function submitSpread(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    const found = await byTurns({
      bare: () => bareStatement(stage.server, database, { ...stage.range, seconds }),
      submit: () => load(service, { keys: stage.keys.spread, seconds }),
      keyed: () => load(service, { keys: stage.keys.spread, seconds, idempotency: true }),
    });
    const { bare, submit, keyed } = found;
    const memory = service.memory();
    const baseline = `${DRIVER} ${perSecond(bare.perSecond)}`;
    const figure = ({ perSecond: rate, p50, p99 }) => `${perSecond(rate)}, p50 ${ms(p50)}, p99 ${ms(p99)}`;
    return [
      row({
        bench: 'submit-spread',
        figure: figure(submit),
        baseline,
        ratio: submit.perSecond / bare.perSecond,
        atLeast: 1.25,
      }),
      row({
        bench: 'submit-spread, with Idempotency-Key',
        figure: figure(keyed),
        baseline,
        ratio: keyed.perSecond / bare.perSecond,
      }),
      row({
        bench: 'memory',
        figure: `${Math.round(memory.now)} MiB resident, at most ${Math.round(memory.peak)}`,
        ratio: memory.now,
        atMost: 200,
        unit: ' MiB',
      }),
    ];
  });
}

/** The same, all for one user: against the bare statement, which waits for the one row's lock over each commit. */
export function submitHot(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (database, service) => {
    const { id } = stage.hot;
    const { bare, submit, keyed } = await byTurns({
      bare: () => bareStatement(stage.server, database, { first: id, last: id, seconds }),
      submit: () => load(service, { keys: stage.keys.hot, seconds }),
      keyed: () => load(service, { keys: stage.keys.hot, seconds, idempotency: true }),
    });
    const baseline = `${DRIVER}, same user ${perSecond(bare.perSecond)}`;
    const figure = ({ perSecond: rate, p99 }) => `${perSecond(rate)}, p99 ${ms(p99)}`;
    return [
      row({
        bench: 'submit-hot',
        figure: figure(submit),
        baseline,
        ratio: submit.perSecond / bare.perSecond,
        atLeast: 8,
      }),
      row({
        bench: 'submit-hot, with Idempotency-Key',
        figure: figure(keyed),
        baseline,
        ratio: keyed.perSecond / bare.perSecond,
      }),
    ];
  });
}

export const vsUsual = againstPeer({
  bench: 'vs-usual',
  peer: 'usual',
  title: 'lock, look, update, insert behind Nest',
  atLeast: 6,
});
export const vsPeer = againstPeer({
  bench: 'vs-peer',
  peer: 'limiter',
  title: 'rate-limiter-flexible + insert behind Fastify',
  atLeast: 3,
});

function againstPeer({ bench, peer, title, atLeast }) {
  return (stage) =>
    onDatabase(stage, [(db) => stage.service(db), (db) => stage.peer(peer, db)], async (_, service, other) => {
      const { theirs, ours } = await byTurns({
        theirs: () => load(other, { keys: stage.keys.spread, seconds }),
        ours: () => load(service, { keys: stage.keys.spread, seconds }),
      });
      const baseline = `${title} ${perSecond(theirs.perSecond)}, p99 ${ms(theirs.p99)}`;
      const figure = `${perSecond(ours.perSecond)}, p99 ${ms(ours.p99)}`;
      return [row({ bench, figure, baseline, ratio: ours.perSecond / theirs.perSecond, atLeast })];
    });
}
