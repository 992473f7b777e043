import { Problem, ValidationProblem } from '../http/problem';
import { type RequestStatus } from '../ledger/entities/request.entity';
import { RequestSettings } from './requests.settings';

export class UnknownType extends ValidationProblem {
  constructor(type: string) {
    super([{ pointer: '#/type', detail: `"${type}" is not one of the types that are taken here`, code: 'unknown-type' }]);
  }
}

export class PayloadTooLarge extends Problem {
  constructor(bytes: number, most: number, what: 'payload' | 'result' | 'error' = 'payload') {
    const { key } = what === 'payload' ? RequestSettings.maxPayloadBytes : RequestSettings.maxResultBytes;
    super(413, `${what}-too-large`, `The ${what} has ${bytes} bytes of JSON as it is stored; ${most} are taken, by the setting ${key}.`, {
      members: { errors: [{ pointer: `#/${what}`, detail: `is larger than ${most} bytes, by the setting ${key}`, code: `${what}-too-large` }] },
    });
  }
}

/** The request has ended, and stays as it ended. */
export class RequestFinal extends Problem {
  constructor(currentStatus: RequestStatus, currentAttempt: number) {
    super(409, 'request-final', `The request is ${currentStatus} already, and that is final.`, { members: { currentStatus, currentAttempt } });
  }
}

/** Somebody else has the request by now, or nobody. */
export class StaleAttempt extends Problem {
  constructor(currentStatus: RequestStatus, currentAttempt: number) {
    super(409, 'stale-attempt', `The attempt is not under way any more: the request is ${currentStatus} in attempt ${currentAttempt}.`, {
      members: { currentStatus, currentAttempt },
    });
  }
}

const RETRY_AFTER_SECONDS = 5;

/** One user holds as many event streams, or as many long polls, open as one may. */
export class TooManyStreams extends Problem {
  constructor(what: 'event streams' | 'long polls', max: number) {
    super(429, 'too-many-streams', `You hold ${max} ${what} open already, the setting ${RequestSettings.maxStreams.key}: end one before you open another.`, {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      members: { max },
    });
  }
}
