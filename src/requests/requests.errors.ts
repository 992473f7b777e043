import { ERRORS_MEMBER, Problem, ValidationProblem } from '../http/problem';
import { REQUEST_STATUSES, type RequestStatus } from '../ledger/entities/request.entity';
import { RequestSettings } from './requests.settings';

export class UnknownType extends ValidationProblem {
  constructor(type: string) {
    super([{ pointer: '#/type', detail: `"${type}" is not one of the types that are taken here`, code: 'unknown-type' }]);
  }
}

/** What is stored of a request is larger than it may be. */
abstract class ContentTooLarge extends Problem {
  static override readonly status = 413;
  static override readonly members = ERRORS_MEMBER;

  constructor(what: 'payload' | 'result' | 'error', bytes: number, max: number) {
    const { key } = what === 'payload' ? RequestSettings.maxPayloadBytes : RequestSettings.maxResultBytes;
    super(`The ${what} has ${bytes} bytes of JSON as it is stored; ${max} are taken, by the setting ${key}.`, {
      members: { errors: [{ pointer: `#/${what}`, detail: `is larger than ${max} bytes, by the setting ${key}`, code: `${what}-too-large` }] },
    });
  }
}

export class PayloadTooLarge extends ContentTooLarge {
  static override readonly code = 'payload-too-large';

  constructor(bytes: number, max: number) {
    super('payload', bytes, max);
  }
}

export class ResultTooLarge extends ContentTooLarge {
  static override readonly code = 'result-too-large';

  constructor(bytes: number, max: number) {
    super('result', bytes, max);
  }
}

export class ErrorTooLarge extends ContentTooLarge {
  static override readonly code = 'error-too-large';

  constructor(bytes: number, max: number) {
    super('error', bytes, max);
  }
}

const CURRENT = { currentStatus: { type: 'string', enum: REQUEST_STATUSES }, currentAttempt: { type: 'integer', minimum: 0 } };

/** The request has ended, and stays as it ended. */
export class RequestFinal extends Problem {
  static override readonly status = 409;
  static override readonly code = 'request-final';
  static override readonly members = CURRENT;

  constructor(currentStatus: RequestStatus, currentAttempt: number) {
    super(`The request is ${currentStatus} already, and that is final.`, { members: { currentStatus, currentAttempt } });
  }
}

/** Somebody else has the request by now, or nobody. */
export class StaleAttempt extends Problem {
  static override readonly status = 409;
  static override readonly code = 'stale-attempt';
  static override readonly members = CURRENT;

  constructor(currentStatus: RequestStatus, currentAttempt: number) {
    super(`The attempt is not under way any more: the request is ${currentStatus} in attempt ${currentAttempt}.`, {
      members: { currentStatus, currentAttempt },
    });
  }
}

const RETRY_AFTER_SECONDS = 5;

/** One user holds as many event streams, or as many long polls, open as one may. */
export class TooManyStreams extends Problem {
  static override readonly status = 429;
  static override readonly code = 'too-many-streams';
  static override readonly fields = ['Retry-After'];
  static override readonly members = { max: { type: 'integer', minimum: 0 } };

  constructor(what: 'event streams' | 'long polls', max: number) {
    super(`You hold ${max} ${what} open already, the setting ${RequestSettings.maxStreams.key}: end one before you open another.`, {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      members: { max },
    });
  }
}
