import { type IncomingHttpHeaders } from 'node:http';
import { MAX_INTEGER } from '../common/limits';
import { type FieldError, ValidationProblem } from '../http/problem';
import { REQUEST_TYPE } from '../requests/request-type';
import { MAX_LEASE_SECONDS } from '../requests/requests.settings';

/** What a proxy sends about the call that it asks for; null where it sends nothing. */
export interface GatewayCall {
  cost: number | null;
  type: string | null;
  holdSeconds: number | null;
}

/** @throws ValidationProblem naming every field that is wrong; one that came twice is. */
export function gatewayCallOf(headers: IncomingHttpHeaders): GatewayCall {
  const errors: FieldError[] = [];
  const read = <T>(name: string, parse: (text: string) => T | undefined, rule: string): T | null => {
    const text = headers[name.toLowerCase()];
    if (text === undefined) return null;
    const value = parse(String(text));
    if (value === undefined) errors.push(fieldError(name, rule));
    return value ?? null;
  };
  const call = {
    cost: read('X-Quota-Cost', (text) => wholeNumber(text, MAX_INTEGER), `must be a whole number from 1 to ${MAX_INTEGER}`),
    type: read(
      'X-Quota-Type',
      (text) => (REQUEST_TYPE.test(text) ? text : undefined),
      'must be 1 to 50 of a-z, 0-9, dot, dash and underscore, and start with a letter or digit',
    ),
    holdSeconds: read('X-Quota-Hold', (text) => wholeNumber(text, MAX_LEASE_SECONDS), `must be a whole number of seconds from 1 to ${MAX_LEASE_SECONDS}`),
  };
  if (errors.length > 0) throw new ValidationProblem(errors);
  return call;
}

export function fieldError(name: string, rule: string, code = 'malformed-header'): FieldError {
  return { pointer: `#/headers/${name.toLowerCase()}`, detail: `${name} ${rule}`, code };
}

function wholeNumber(text: string, max: number): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}
