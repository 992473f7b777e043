import { Problem } from '../http/problem';

export class OwnChange extends Problem {
  static override readonly status = 403;
  static override readonly code = 'own-change';

  constructor() {
    super('You proposed this change: another administrator approves it.');
  }
}

export class ChangeEnded extends Problem {
  static override readonly status = 409;
  static override readonly code = 'change-ended';
  static override readonly members = { changeStatus: { type: 'string' } };

  constructor(status: string) {
    super(`The change is ${status}: propose another one.`, { members: { changeStatus: status } });
  }
}
