import { Problem } from '../http/problem';
import { WriteRateSettings } from './write-rate.settings';

const REALM = 'Bearer realm="quotidian"';

/** RFC 6750, section 3: no error code when no credentials came. */
export class CredentialsMissing extends Problem {
  constructor() {
    super(401, 'credentials-missing', 'Send an access token or an API key: Authorization: Bearer …', {
      headers: { 'www-authenticate': REALM },
    });
  }
}

export class CredentialsInvalid extends Problem {
  constructor() {
    super(401, 'credentials-invalid', 'The access token or API key is not valid, or not any more.', {
      headers: { 'www-authenticate': `${REALM}, error="invalid_token"` },
    });
  }
}

/** The same for an unknown address, a wrong password and a suspended account: an answer to all three would tell who is here. */
export class LoginRefused extends Problem {
  constructor() {
    super(401, 'login-refused', 'E-mail address or password is not right.', { headers: { 'www-authenticate': REALM } });
  }
}

export class RefreshRefused extends Problem {
  constructor() {
    super(401, 'refresh-refused', 'The refresh token is not valid any more: log in again.', { headers: { 'www-authenticate': REALM } });
  }
}

export class TooManyWrites extends Problem {
  constructor(retryAfterSeconds: number) {
    super(
      429,
      'too-many-writes',
      `Too many changes by this user within a minute (setting ${WriteRateSettings.writesPerMinute.key}): try again in ${retryAfterSeconds} s.`,
      {
        headers: { 'retry-after': String(retryAfterSeconds) },
      },
    );
  }
}

export class RegistrationClosed extends Problem {
  constructor() {
    super(403, 'registration-closed', 'Accounts are made by administrators here.');
  }
}
