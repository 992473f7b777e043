import { Problem } from '../http/problem';

export class OwnChange extends Problem {
  constructor() {
    super(403, 'own-change', 'You proposed this change: another administrator approves it.');
  }
}

export class ChangeEnded extends Problem {
  constructor(status: string) {
    super(409, 'change-ended', `The change is ${status}: propose another one.`, { members: { changeStatus: status } });
  }
}
