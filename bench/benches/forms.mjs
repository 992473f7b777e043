import { row } from '../support/report.mjs';
import { byTurns } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';
import { cost } from './cost.mjs';

const told = ({ both, service, database }) => `${both.toFixed(0)} µs (service ${service.toFixed(0)}, database ${database.toFixed(0)})`;

/** What makes every user one who has a grant: with the day's own units left, and with none, so that each charge draws. */
const GRANTS = `INSERT INTO quota_grants (user_id, units, reason) SELECT id, 2000000000, 'bench' FROM users`;
const NO_OWN_UNITS = `UPDATE users SET api_quota_daily = 0`;

/** Processor time of a submit of users who have nothing but a daily quota, of those who have a grant beside it, and of those who have the grant alone. */
export function submitWithForms(stage) {
  const prepared = (statements) => async (db) => {
    if (statements.length > 0) await stage.seed(db, [...statements, 'VACUUM ANALYZE users']);
    return stage.service(db);
  };
  const withService = (statements, work) => onDatabase(stage, [prepared(statements)], (_, service) => work(service));
  return withService([], (plain) =>
    withService([GRANTS], (beside) =>
      withService([GRANTS, NO_OWN_UNITS], async (drawing) => {
        const services = [plain, beside, drawing];
        const alone = (service) => async () => {
          for (const other of services) other.child.kill(other === service ? 'SIGCONT' : 'SIGSTOP');
          return cost(stage, service, stage.keys.spread);
        };
        try {
          const found = await byTurns({ plain: alone(plain), beside: alone(beside), drawing: alone(drawing) });
          const line = (bench, subject) =>
            row({ bench, figure: told(subject), baseline: `daily quota alone ${told(found.plain)}`, ratio: subject.both / found.plain.both, atMost: 2 });
          return [line('cpu-per-submit, a grant beside the day', found.beside), line('cpu-per-submit, drawn on a grant', found.drawing)];
        } finally {
          for (const service of services) service.child.kill('SIGCONT');
        }
      }),
    ),
  );
}
