import { Problem } from '../http/problem';

export class TooManyExports extends Problem {
  static override readonly status = 429;
  static override readonly code = 'too-many-exports';
  static override readonly fields = ['Retry-After'];

  constructor(detail: string, retryAfterSeconds: number) {
    super(detail, { headers: { 'retry-after': String(retryAfterSeconds) } });
  }
}
