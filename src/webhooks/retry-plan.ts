import { type Sent } from './sender.service';

const JITTER = 0.1;
/** For what the endpoint is not to blame for. */
const UNCHARGED_PAUSE_SECONDS = 30;
const UNCHARGED = new Set(['proxy-failed', 'secret-unreadable']);

/** What is to be made of an attempt. */
export interface Verdict {
  status: 'delivered' | 'failed' | 'waiting';
  /** The pause before the next one, in seconds. */
  pauseSeconds: number;
  /** Whether it counts as one of the tries. */
  counts: boolean;
  /** The endpoint asked never to be sent anything again. */
  gone: boolean;
}

export interface PlanOfDelivery {
  /** Seconds before each try. */
  schedule: readonly number[];
  /** Tries that came before this one. */
  tries: number;
  ordered: boolean;
  orderedMaxTries: number;
}

/** @param chance from 0 to 1: what keeps retries from coming all at once */
export function verdictOf({ status, error, retryAfterMs }: Pick<Sent, 'status' | 'error' | 'retryAfterMs'>, plan: PlanOfDelivery, chance: number): Verdict {
  const verdict: Verdict = { status: 'delivered', pauseSeconds: 0, counts: true, gone: false };
  if (status !== null && status >= 200 && status < 300) return verdict;
  if (status === 410) return { ...verdict, status: 'failed', gone: true };
  if (error !== null && UNCHARGED.has(error)) return { ...verdict, status: 'waiting', pauseSeconds: UNCHARGED_PAUSE_SECONDS, counts: false };
  const { schedule, tries, ordered, orderedMaxTries } = plan;
  const max = ordered ? Math.min(orderedMaxTries, schedule.length) : schedule.length;
  const next = tries + 1 < max ? schedule[tries + 1] : undefined;
  if (next === undefined) return { ...verdict, status: 'failed' };
  return { ...verdict, status: 'waiting', pauseSeconds: Math.max(next * (1 + JITTER * chance), (retryAfterMs ?? 0) / 1_000) };
}
