import { type Schemas } from './client';

/** A problem's own part: what the service adds is `instance`. */
export interface Refusal {
  status: number;
  problem: Record<string, unknown>;
  headers: Record<string, string>;
}

/** Thrown by the fake's books, and made an answer, or an item of one. */
export class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(String(refusal.problem.detail));
  }
}

interface Shape {
  status: number;
  title: string;
  code: string;
  detail: string;
  type?: string;
  members?: Record<string, unknown>;
  headers?: Record<string, string>;
}

function refused({ status, title, code, detail, type = `/errors/${code}`, members = {}, headers = {} }: Shape): Refused {
  return new Refused({ status, problem: { type, title, status, detail, code, ...members }, headers });
}

export const credentialsMissing = () =>
  refused({ status: 401, title: 'Unauthorized', code: 'credentials-missing', detail: 'Send an access token or an API key: Authorization: Bearer …' });

export const credentialsInvalid = () =>
  refused({ status: 401, title: 'Unauthorized', code: 'credentials-invalid', detail: 'The access token or API key is not valid, or not any more.' });

export const scopeRequired = (scope: string) =>
  refused({ status: 403, title: 'Forbidden', code: 'scope-required', detail: `This needs an API key with ${scope}.`, members: { scopes: [scope] } });

export const requestNotFound = () =>
  refused({ status: 404, title: 'Not Found', code: 'not-found', detail: 'There is no such request, or it is not yours to see.' });

export const keyReused = () =>
  refused({
    status: 422,
    title: 'Unprocessable Entity',
    code: 'idempotency-key-reused',
    detail: 'This Idempotency-Key was used for a request with another body: take a new key for a new request.',
  });

type Standing = Pick<Schemas['RequestDto'], 'status' | 'attempt'>;

const standingOf = ({ status, attempt }: Standing) => ({ currentStatus: status, currentAttempt: attempt });

export const requestFinal = (request: Standing) =>
  refused({
    status: 409,
    title: 'Conflict',
    code: 'request-final',
    detail: `The request is ${request.status} already, and that is final.`,
    members: standingOf(request),
  });

export const staleAttempt = (request: Standing) =>
  refused({
    status: 409,
    title: 'Conflict',
    code: 'stale-attempt',
    detail: `The attempt is not under way any more: the request is ${request.status} in attempt ${request.attempt}.`,
    members: standingOf(request),
  });

/** What the fake has no answer for is a fault of the test: no status of the service, and none that a client tries again. */
export const notInTheFake = (call: string) =>
  refused({
    status: 501,
    title: 'Not Implemented',
    code: 'not-in-the-fake',
    detail: `The fake service has no ${call}: use a real one for this test (quotidian serve).`,
  });

export interface Day {
  limit: number;
  used: number;
  /** Milliseconds since 1970. */
  now: number;
  startsAt: number;
  endsAt: number;
}

/** Whole seconds until the day ends, rounded up, and never 0. */
const secondsLeft = ({ now, endsAt }: Day) => Math.max(1, Math.ceil((endsAt - now) / 1_000));

export function dayFields(day: Day): Record<string, string> {
  const left = Math.max(0, day.limit - day.used);
  return {
    'ratelimit-policy': `"daily";q=${day.limit};w=${(day.endsAt - day.startsAt) / 1_000}`,
    ratelimit: `"daily";r=${left};t=${secondsLeft(day)}`,
  };
}

export function quotaRefusal(day: Day, requested: number): Refused {
  const { limit, used } = day;
  const remaining = Math.max(0, limit - used);
  const resetsAt = new Date(day.endsAt).toISOString();
  const isTooDear = requested > limit;
  return refused({
    status: 429,
    title: 'Quota exceeded',
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    code: isTooDear ? 'cost-exceeds-quota' : 'quota-exceeded',
    detail: isTooDear
      ? `The request costs ${requested}, more than the daily quota of ${limit} units: waiting does not help.`
      : `The request costs ${requested}, and ${remaining} of ${limit} units of the daily quota are left. It begins anew at ${resetsAt}.`,
    members: { 'violated-policies': ['daily'], limit, used, requested, remaining, resetsAt, timeZone: 'Etc/UTC' },
    headers: { ...dayFields(day), 'retry-after': String(secondsLeft(day)) },
  });
}
