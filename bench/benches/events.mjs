import { row } from '../support/report.mjs';
import { byTurns } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';
import { cost } from './cost.mjs';

const WAITING = 1_000_000;
const told = ({ both, service, database }) => `${both.toFixed(0)} µs (service ${service.toFixed(0)}, database ${database.toFixed(0)})`;

/**
 * Processor time of a submit: where nobody listens, where one endpoint of the operator's listens to everything, and while a million
 * events wait to be numbered. Each has a database and a service of its own; those that are not measured stand still, because what a
 * relay does counts for who is measured.
 */
export function submitBesideEvents(stage) {
  const listening = (db) => stage.seed(db, [`INSERT INTO event_listeners (user_id, type, source) VALUES (0, '*', 'bench')`]);
  const waiting = (db) =>
    stage.seed(db, [
      `INSERT INTO events (type, user_id, data) SELECT 'request.succeeded', 1, '{"id": "0190"}' FROM generate_series(1, ${WAITING})`,
      'VACUUM ANALYZE events',
    ]);
  const none = () => Promise.resolve();
  const withService = (seed, work) =>
    onDatabase(
      stage,
      [
        async (db) => {
          await seed(db);
          return stage.service(db);
        },
      ],
      (_, service) => work(service),
    );
  return withService(none, (quiet) =>
    withService(listening, (listened) =>
      withService(waiting, async (backlog) => {
        const services = [quiet, listened, backlog];
        const alone = (service) => async () => {
          for (const other of services) other.child.kill(other === service ? 'SIGCONT' : 'SIGSTOP');
          return cost(stage, service, stage.keys.spread);
        };
        try {
          const found = await byTurns({ quiet: alone(quiet), listened: alone(listened), backlog: alone(backlog) });
          const line = (bench, subject, atMost) =>
            row({ bench, figure: told(subject), baseline: `nobody listens ${told(found.quiet)}`, ratio: subject.both / found.quiet.both, atMost });
          return [line('cpu-per-submit, one listener', found.listened), line('cpu-per-submit, 1,000,000 events wait', found.backlog, 1.05)];
        } finally {
          for (const service of services) service.child.kill('SIGCONT');
        }
      }),
    ),
  );
}
