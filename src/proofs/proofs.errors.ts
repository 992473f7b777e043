import { ERRORS_MEMBER, Problem } from '../http/problem';

/** The same for a token that was used, has expired, is for something else, or never was one. */
export class TokenRefused extends Problem {
  static override readonly status = 400;
  static override readonly code = 'token-refused';
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('The token is not valid, or not any more: ask for another mail.', {
      members: { errors: [{ pointer: '#/token', detail: 'is not valid, or not any more', code: 'token-refused' }] },
    });
  }
}

export class EmailUnverified extends Problem {
  static override readonly status = 403;
  static override readonly code = 'email-unverified';

  constructor() {
    super('Nothing is charged before the e-mail address of the account is proven: POST /v1/auth/email/verification sends the mail again.');
  }
}
