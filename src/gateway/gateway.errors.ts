import { Problem } from '../http/problem';

/** The charge behind a repeated yes was given back since: forwarding the call once more would be free. */
export class ChargeRefunded extends Problem {
  static override readonly status = 409;
  static override readonly code = 'charge-refunded';

  constructor() {
    super('The charge that was made under this Idempotency-Key was given back: take a new key to be charged again.');
  }
}

interface ProblemBody {
  status: number;
  detail: string;
}

/** A refusal that is shown as a 403; its own status is in `X-Quota-Status`, and all else of it is kept. */
export class Denied extends Problem {
  static override readonly status = 403;
  static override readonly code = null;
  static override readonly fields = ['X-Quota-Status', 'Retry-After?', 'WWW-Authenticate?', 'RateLimit?', 'RateLimit-Policy?'];

  override readonly code: string;

  constructor(refusal: Problem) {
    const { status, detail, ...members } = refusal.getResponse() as ProblemBody;
    super(detail, { headers: { ...refusal.headers, 'x-quota-status': String(status) }, members });
    this.code = refusal.code;
  }
}
