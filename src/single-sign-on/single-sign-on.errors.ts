import { Problem } from '../http/problem';

/** The way back does not belong to a login that this browser began, or the provider's answer does not hold what it must. */
export class LoginNotCompleted extends Problem {
  static override readonly status = 400;
  static override readonly code = 'login-not-completed';
}

/** The provider knows who it is, and there is no account for them. */
export class IdentityRefused extends Problem {
  static override readonly status = 403;
  static override readonly code = 'identity-refused';
}
