import { isFinal, type RequestStatus } from '../../ledger/entities/request.entity';

/** A change of a request's status. `n` counts the request's changes from 0 and never changes its meaning. */
export interface StatusEvent {
  n: number;
  status: RequestStatus;
  attempt: number;
  at: Date;
}

interface History {
  status: RequestStatus;
  /** It began as a reservation. */
  held: boolean;
  attempts: readonly { attempt: number; outcome: string | null; startedAt: Date; endedAt: Date | null }[];
  createdAt: Date;
  finishedAt: Date | null;
  updatedAt: Date;
}

/**
 * Every status that the request has had, derived from its row and its attempts: nothing is missed by who reads late, and a
 * longer history only adds to the end.
 */
export function eventLog({ status, held, attempts, createdAt, finishedAt, updatedAt }: History): StatusEvent[] {
  const events: Omit<StatusEvent, 'n'>[] = [];
  const add = (next: RequestStatus, attempt: number, at: Date) => events.push({ status: next, attempt, at });
  const isInstant = status === 'succeeded' && attempts.length === 0;
  if (!held && !isInstant) add('pending', 0, createdAt);
  for (const { attempt, outcome, startedAt, endedAt } of attempts) {
    add('processing', attempt, startedAt);
    if (outcome === 'returned') add('pending', attempt, endedAt ?? updatedAt);
  }
  if (isFinal(status)) add(status, attempts.at(-1)?.attempt ?? 0, finishedAt ?? updatedAt);
  return events.map((event, n) => ({ n, ...event }));
}
