import { HttpException } from '@nestjs/common';
import { type Problem } from '@quotidian/client';

/** Quotidian let a call not through. Its body is the problem; exception filters may answer in a form of the application's own. */
export class Refused extends HttpException {
  constructor(readonly problem: Problem) {
    super(problem, problem.status);
  }

  /** Stable: `quota-exceeded`, `burst-exceeded`, `key-cap-exceeded`, `credentials-missing`, … */
  get code(): string {
    return this.problem.code;
  }
}
