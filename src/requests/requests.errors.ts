import { Problem, ValidationProblem } from '../common/problem';

export class UnknownType extends ValidationProblem {
  constructor(type: string) {
    super([{ pointer: '#/type', detail: `"${type}" is not one of the types that are taken here`, code: 'unknown-type' }]);
  }
}

export class PayloadTooLarge extends Problem {
  constructor(bytes: number, most: number) {
    super(413, 'payload-too-large', `The payload has ${bytes} bytes of JSON; ${most} are taken.`, {
      members: { errors: [{ pointer: '#/payload', detail: `is larger than ${most} bytes`, code: 'payload-too-large' }] },
    });
  }
}
