import { UnavailableProblem } from '../http/problem';

export class QueueFull extends UnavailableProblem {
  static override readonly code = 'queue-full';

  constructor() {
    super('Too many charges wait for admission. Nothing was charged; try again.');
  }
}
