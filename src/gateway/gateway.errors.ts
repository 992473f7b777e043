import { Problem } from '../common/problem';

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
