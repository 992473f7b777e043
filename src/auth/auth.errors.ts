import { Problem } from '../http/problem';
import { WriteRateSettings } from './write-rate.settings';

const REALM = 'Bearer realm="quotidian"';

/** The same for an unknown address, a wrong password and a suspended account: an answer to all three would show who is here. */
export class LoginRefused extends Problem {
  static override readonly status = 401;
  static override readonly code = 'login-refused';
  static override readonly fields = ['WWW-Authenticate'];

  constructor() {
    super('E-mail address or password is not right.', { headers: { 'www-authenticate': REALM } });
  }
}

export class RefreshRefused extends Problem {
  static override readonly status = 401;
  static override readonly code = 'refresh-refused';
  static override readonly fields = ['WWW-Authenticate'];

  constructor() {
    super('The refresh token is not valid any more: log in again.', { headers: { 'www-authenticate': REALM } });
  }
}

/** By a cookie acts only who is a page of ours: a browser adds it to what other pages of the same site send, too. */
export class CrossSiteRefused extends Problem {
  static override readonly status = 403;
  static override readonly code = 'cross-site-refused';

  constructor() {
    super('A session in a cookie is for pages of this service alone: this call does not show that it comes from one (Sec-Fetch-Site, Origin).');
  }
}

export class TotpEnrolmentRequired extends Problem {
  static override readonly status = 403;
  static override readonly code = 'totp-enrolment-required';

  constructor() {
    super('Administrators need a second factor here: POST /v1/auth/totp begins one, and all else waits for it.');
  }
}

export class TooManyWrites extends Problem {
  static override readonly status = 429;
  static override readonly code = 'too-many-writes';
  static override readonly fields = ['Retry-After'];

  constructor(retryAfterSeconds: number) {
    super(`Too many changes by this user within a minute (setting ${WriteRateSettings.writesPerMinute.key}): try again in ${retryAfterSeconds} s.`, {
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

export class TooManyCalls extends Problem {
  static override readonly status = 429;
  static override readonly code = 'too-many-calls';
  static override readonly fields = ['Retry-After'];

  constructor() {
    super('Too many calls of yours wait for one another already: send fewer at once.', { headers: { 'retry-after': '1' } });
  }
}

export class RegistrationClosed extends Problem {
  static override readonly status = 403;
  static override readonly code = 'registration-closed';

  constructor() {
    super('Accounts are made by administrators here.');
  }
}
