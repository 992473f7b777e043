import { Problem } from '../http/problem';

export class TooManyAttempts extends Problem {
  static override readonly status = 429;
  static override readonly code = 'too-many-attempts';
  static override readonly fields = ['Retry-After'];

  constructor(retryAfterSeconds: number) {
    super(`Too many attempts: try again in ${retryAfterSeconds} s.`, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

export class HashingBusy extends Problem {
  static override readonly status = 503;
  static override readonly code = 'hashing-busy';
  static override readonly fields = ['Retry-After'];

  constructor() {
    super('More passwords wait to be checked than can be in time: try again in 2 s.', { headers: { 'retry-after': '2' } });
  }
}
