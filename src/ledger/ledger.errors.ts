import { Problem, UnavailableProblem } from '../http/problem';

export class QueueFull extends UnavailableProblem {
  constructor() {
    super('Too many charges wait for admission. Nothing was charged; try again.', 1, 'queue-full');
  }
}

/** Nobody reads it. */
export class ClientGone extends Problem {
  constructor() {
    super(499, 'client-gone', 'The client went away before its charge was sent; nothing was charged.');
  }
}
