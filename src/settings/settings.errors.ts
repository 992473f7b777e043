import { Problem } from '../http/problem';

export class UnknownSetting extends Problem {
  constructor(key: string) {
    super(404, 'unknown-setting', `There is no setting "${key}", or it is not yours to see.`);
  }
}

export class NotOverridable extends Problem {
  constructor(key: string) {
    super(403, 'not-overridable', `"${key}" is set for everybody: users have no value of their own for it.`);
  }
}

export class PreconditionRequired extends Problem {
  constructor(etag: string) {
    super(428, 'precondition-required', 'Say which version you are changing: If-Match with its ETag, or If-None-Match: * to create.', {
      headers: { etag },
    });
  }
}

export class StaleVersion extends Problem {
  constructor(etag: string) {
    super(412, 'precondition-failed', 'Somebody changed this since you read it: read it again.', { headers: { etag } });
  }
}

export class TooManyOwnKeys extends Problem {
  constructor(limit: number) {
    super(409, 'too-many-keys', `A user has at most ${limit} values of their own.`);
  }
}

export class SecretUnreadable extends Problem {
  constructor(key: string) {
    super(409, 'secret-unreadable', `"${key}" was sealed with a key that this service is not given: see SECRETS_KEY_PREVIOUS.`);
  }
}

export class ApprovalRequired extends Problem {
  constructor() {
    super(403, 'approval-required', 'System settings change by a proposed change that a second administrator approves: POST it to …/changes.');
  }
}
