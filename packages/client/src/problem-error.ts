import { type components } from './schema';

/** Problem details (RFC 9457) as the service sends them; some codes bring members of their own. */
export type Problem = components['schemas']['Problem'] & Record<string, unknown>;

/** The service refused the call. Switch on `code`; it is stable. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  readonly code: string;

  constructor(
    readonly problem: Problem,
    readonly response: Response,
  ) {
    super(problem.detail);
    this.status = response.status;
    this.code = problem.code;
  }

  /** After how many seconds to come again, if the service asked for it. */
  get retryAfterSeconds(): number | null {
    return retryAfterSeconds(this.response);
  }
}

/** Never fails: what a proxy answers in a form of its own gets the code `unexpected-answer`. */
export async function problemErrorOf(response: Response): Promise<ProblemError> {
  const text = await response.clone().text();
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null;
    if (typeof problem?.code === 'string' && typeof problem.detail === 'string') return new ProblemError(problem as Problem, response);
  } catch {
    // No JSON: it is described below.
  }
  const { status, statusText, url } = response;
  const detail = `The answer ${status} is not one of the service.`;
  return new ProblemError({ type: 'about:blank', title: statusText, status, detail, code: 'unexpected-answer', instance: url }, response);
}

/** The field `Retry-After`, which is seconds or a date. */
export function retryAfterSeconds(response: Response): number | null {
  const field = response.headers.get('retry-after');
  if (field === null) return null;
  const seconds = /^\d+$/.test(field) ? Number(field) : (Date.parse(field) - Date.now()) / 1_000;
  return Number.isNaN(seconds) ? null : Math.max(seconds, 0);
}
