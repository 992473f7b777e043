import { MAX_INTEGER } from '../common/limits';
import { REQUEST_TYPE } from '../requests/request-type';
import { MAX_LEASE_SECONDS } from '../requests/requests.settings';

/** What is charged, and as what. */
export interface Price {
  /** 1 to 50 of `a-z0-9._-`. */
  type: string;
  /** Units, 1 or more; default: what the setting `requests.types` lists for the type, or 1. */
  cost?: number;
}

interface Stated {
  type: string;
  cost?: unknown;
  holdSeconds?: number;
}

/** What a programmer wrote, held to its bounds while the process starts and not at the first call. @throws RangeError */
export function assertPrice({ type, cost, holdSeconds = 1 }: Stated): void {
  if (!REQUEST_TYPE.test(type)) throw new RangeError(`"${type}" is no type: 1 to 50 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit.`);
  if (typeof cost === 'number') assertUnits(cost, 1);
  if (!Number.isInteger(holdSeconds) || holdSeconds < 1 || holdSeconds > MAX_LEASE_SECONDS) {
    throw new RangeError(`holdSeconds is ${holdSeconds}: it must be a whole number from 1 to ${MAX_LEASE_SECONDS}.`);
  }
}

/** @throws RangeError */
export function assertUnits(units: number, min: 0 | 1, max = MAX_INTEGER): number {
  if (Number.isInteger(units) && units >= min && units <= max) return units;
  throw new RangeError(`${units} is no number of units: it must be a whole number from ${min} to ${max}.`);
}
