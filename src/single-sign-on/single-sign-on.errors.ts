import { Problem } from '../http/problem';

/** The way back does not belong to a login that this browser began, or the provider's answer does not hold what it must. */
export class LoginNotCompleted extends Problem {
  static override readonly status = 400;
  static override readonly code = 'login-not-completed';
}

/** The provider has proven who it is, and the account has a second factor of ours. */
export class CodeAwaited extends Problem {
  static override readonly status = 401;
  static override readonly code = 'code-awaited';
  static override readonly fields = ['WWW-Authenticate', 'Set-Cookie'];

  /** @param cookie what the browser carries until it sends the code */
  constructor(
    readonly cookie: string,
    readonly provider: string,
  ) {
    super(`This account has a second factor: POST /v1/auth/oidc/${provider}/code takes the code that the app shows, or a recovery code.`, {
      headers: { 'www-authenticate': 'Bearer realm="quotidian"', 'set-cookie': cookie },
    });
  }
}

/** The provider knows who it is, and there is no account for them. */
export class IdentityRefused extends Problem {
  static override readonly status = 403;
  static override readonly code = 'identity-refused';
}

/** Somebody who has only a session's token is not to give an account a second owner. */
export class FreshLoginRequired extends Problem {
  static override readonly status = 403;
  static override readonly code = 'fresh-login-required';

  constructor() {
    super(
      'An identity is linked by a session that began within ten minutes, or with currentPassword or a code of the second factor: log in again, or send one.',
    );
  }
}

export class IdentityTaken extends Problem {
  static override readonly status = 409;
  static override readonly code = 'identity-taken';

  constructor() {
    super('Another account has this identity: it is unlinked there first.');
  }
}

export class TooManyIdentities extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-identities';

  constructor(limit: number) {
    super(`An account has at most ${limit} linked identities: unlink one first.`);
  }
}

/** The account has no password, so that nobody could log in any more. */
export class LastWayIn extends Problem {
  static override readonly status = 409;
  static override readonly code = 'last-way-in';

  constructor() {
    super('The account has no password, and this is its only identity: set a password first, by the way of a forgotten one.');
  }
}
