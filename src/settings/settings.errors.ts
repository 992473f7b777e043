import { Problem } from '../http/problem';

export class UnknownSetting extends Problem {
  static override readonly status = 404;
  static override readonly code = 'unknown-setting';

  constructor(key: string) {
    super(`There is no setting "${key}", or it is not yours to see.`);
  }
}

export class NotOverridable extends Problem {
  static override readonly status = 403;
  static override readonly code = 'not-overridable';

  constructor(key: string) {
    super(`"${key}" is set for everybody: users have no value of their own for it.`);
  }
}

export class TooManyOwnKeys extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-keys';

  constructor(limit: number, setting: string) {
    super(`A user has at most ${limit} values of their own, by the setting ${setting}: delete one first.`);
  }
}

export class SecretUnreadable extends Problem {
  static override readonly status = 409;
  static override readonly code = 'secret-unreadable';

  constructor(key: string) {
    super(`"${key}" was sealed with a key that this service is not given: see SECRETS_KEY_PREVIOUS.`);
  }
}

export class ApprovalRequired extends Problem {
  static override readonly status = 403;
  static override readonly code = 'approval-required';

  constructor() {
    super('System settings change by a proposed change that a second administrator approves: POST it to …/changes.');
  }
}
