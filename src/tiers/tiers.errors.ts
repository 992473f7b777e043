import { Problem } from '../http/problem';

export class TierNameTaken extends Problem {
  constructor(name: string) {
    super(409, 'tier-name-taken', `There is a tier named "${name}" already.`);
  }
}

export class TierInUse extends Problem {
  constructor(detail = 'Users are on this tier: move them to another one first, or archive it.') {
    super(409, 'tier-in-use', detail);
  }
}
