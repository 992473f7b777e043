import { type FieldError, Problem, ValidationProblem } from '../http/problem';

/** Gathers all that is wrong with a document, by place, so that it is mended at once. */
export class Refusals {
  private readonly errors: FieldError[] = [];

  /** Goes on after what is wrong by itself; what the database refused ends the transaction, and so all. @throws ValidationProblem */
  async gather(pointer: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const isFinal = !(error instanceof ValidationProblem) || error.errors.some(({ code }) => code === REFUSED);
      const errors = error instanceof ValidationProblem ? error.errors : [{ pointer: '#', detail: error.message, code: REFUSED }];
      this.errors.push(...errors.map((one) => ({ ...one, pointer: one.pointer.replace('#', pointer) })));
      if (isFinal) this.end();
    }
  }

  /** @throws ValidationProblem where there is anything */
  end(): void {
    if (this.errors.length > 0) throw new ValidationProblem(this.errors);
  }
}

const REFUSED = 'refused';
