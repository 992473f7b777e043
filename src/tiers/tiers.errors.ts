import { Problem } from '../http/problem';

export class TierNameTaken extends Problem {
  static override readonly status = 409;
  static override readonly code = 'tier-name-taken';

  constructor(name: string) {
    super(`There is a tier named "${name}" already.`);
  }
}

export class TierInUse extends Problem {
  static override readonly status = 409;
  static override readonly code = 'tier-in-use';

  constructor(detail = 'Users are on this tier: move them to another one first, or archive it.') {
    super(detail);
  }
}
