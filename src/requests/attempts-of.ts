import { isFinal, type RequestStatus } from '../ledger/entities/request.entity';

interface Attempt {
  attempt: number;
  outcome: string | null;
  error: unknown;
  startedAt: Date;
  endedAt: Date | null;
}

interface Attempted {
  attempt: number;
  status: RequestStatus;
  error: unknown;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Every attempt of a request, the first one first: those before, and the one that the request's own row holds. */
export function attemptsOf({ attempt, status, error, startedAt, createdAt, finishedAt }: Attempted, before: readonly Attempt[]): Attempt[] {
  // Read one after the other, the attempts may be ahead of the request by one that was just lost.
  const known = before.filter((one) => one.attempt <= attempt);
  if (attempt === 0 || known.at(-1)?.attempt === attempt) return known;
  const outcome = isFinal(status) ? status : null;
  return [...known, { attempt, outcome, error: outcome === null ? null : error, startedAt: startedAt ?? createdAt, endedAt: finishedAt }];
}
