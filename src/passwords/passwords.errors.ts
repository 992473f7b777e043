import { Problem } from '../http/problem';

export class TooManyAttempts extends Problem {
  constructor(retryAfterSeconds: number) {
    super(429, 'too-many-attempts', `Too many attempts: try again in ${retryAfterSeconds} s.`, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

export class HashingBusy extends Problem {
  constructor() {
    super(503, 'hashing-busy', 'More passwords wait to be checked than can be in time: try again in 2 s.', { headers: { 'retry-after': '2' } });
  }
}
