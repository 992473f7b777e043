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
