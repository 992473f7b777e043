import { Problem } from '../http/problem';

/** The charge behind a repeated yes was given back since: forwarding the call once more would be free. */
export class ChargeRefunded extends Problem {
  constructor() {
    super(409, 'charge-refunded', 'The charge that was made under this Idempotency-Key was given back: take a new key to be charged again.');
  }
}

interface ProblemBody {
  type: string;
  title: string;
  detail: string;
  status: number;
  code: string;
}

/** A refusal that is told as a 403; its own status is in `X-Quota-Status`, and all else of it is kept. */
export class Denied extends Problem {
  constructor(refusal: Problem) {
    const { type, title, detail, status, code, ...members } = refusal.getResponse() as ProblemBody;
    const headers = { ...refusal.headers, 'x-quota-status': String(status) };
    super(403, code, detail, { type, title, headers, members });
  }
}
