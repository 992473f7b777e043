import { ERRORS_MEMBER, Problem } from '../http/problem';

/** The password was right. */
export class TotpRequired extends Problem {
  static override readonly status = 401;
  static override readonly code = 'totp-required';
  static override readonly fields = ['WWW-Authenticate'];
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('This account has a second factor: send the code that the app shows, or a recovery code, as well.', {
      headers: { 'www-authenticate': 'Bearer realm="quotidian"' },
      members: { errors: [{ pointer: '#/code', detail: 'is missing', code: 'totp-required' }] },
    });
  }
}

/** The same for a wrong code, one of another time and one that was used. */
export class CodeRefused extends Problem {
  static override readonly status = 403;
  static override readonly code = 'code-refused';
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('The code is not right, or was used before: wait for the next one that the app shows.', {
      members: { errors: [{ pointer: '#/code', detail: 'is not right, or was used before', code: 'code-refused' }] },
    });
  }
}

export class TotpEnabled extends Problem {
  static override readonly status = 409;
  static override readonly code = 'totp-enabled';

  constructor() {
    super('There is a second factor already: DELETE /v1/auth/totp removes it.');
  }
}

export class TotpNotBegun extends Problem {
  static override readonly status = 409;
  static override readonly code = 'totp-not-begun';

  constructor() {
    super('There is no second factor to confirm: POST /v1/auth/totp begins one.');
  }
}
