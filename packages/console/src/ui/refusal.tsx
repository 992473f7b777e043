import { t } from '../app/language';
import { ProblemError } from '../../../client/src/problem-error';
import { BASE } from '../api/session';
import { type Schemas } from '../api/types';

/** Why the service refused, in its own words, with the page that explains the code. */
export function Refusal({ problem }: { problem: Schemas['Problem'] | null }) {
  if (problem === null) return null;
  const errors = (problem as { errors?: { pointer: string; detail: string }[] }).errors ?? [];
  return (
    <div className="refusal" role="alert">
      <strong>{problem.title}</strong> <span>{problem.detail}</span>
      {errors.length > 1 && (
        <ul>
          {errors.map(({ pointer, detail }) => (
            <li key={pointer + detail}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}{' '}
      {problem.code !== 'away' && (
        <a href={`${BASE}/errors/${problem.code}`} target="_blank" rel="noreferrer">
          {problem.code}
        </a>
      )}
    </div>
  );
}

/** The problem in what a call threw; what is none is shown as a service that is away. */
export function problemOf(error: unknown): Schemas['Problem'] | null {
  if (error === null || error === undefined) return null;
  if (error instanceof ProblemError) return error.problem;
  return {
    title: t('The service does not answer'),
    detail: t('It is asked again until it does.'),
    status: 503,
    code: 'away',
    type: '',
    instance: '',
  };
}
