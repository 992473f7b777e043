import { includesRole, OPERATOR_ROLES, type OperatorRole } from '../common/principal';
import { Problem } from './problem';

const REALM = 'Bearer realm="quotidian"';

/** RFC 6750, section 3: no error code when no credentials came. */
export class CredentialsMissing extends Problem {
  static override readonly status = 401;
  static override readonly code = 'credentials-missing';
  static override readonly fields = ['WWW-Authenticate'];

  constructor() {
    super('Send an access token or an API key: Authorization: Bearer …', {
      headers: { 'www-authenticate': REALM },
    });
  }
}

export class CredentialsInvalid extends Problem {
  static override readonly status = 401;
  static override readonly code = 'credentials-invalid';
  static override readonly fields = ['WWW-Authenticate'];

  constructor() {
    super('The access token or API key is not valid, or not any more.', {
      headers: { 'www-authenticate': `${REALM}, error="invalid_token"` },
    });
  }
}

export class ScopeRequired extends Problem {
  static override readonly status = 403;
  static override readonly code = 'scope-required';
  static override readonly fields = ['WWW-Authenticate'];
  static override readonly members = {
    scopes: { type: 'array', items: { type: 'string' }, description: 'All that the route asks for, or what is lacking of it.' },
  };

  /** @param scopes that would do; none: no scope that the caller could have would, but a session does */
  constructor(scopes: readonly string[]) {
    const detail = scopes.length === 0 ? 'No API key of yours may do this: it takes a login session.' : `This needs an API key with ${scopes.join(', ')}.`;
    const scope = scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`;
    super(detail, {
      headers: { 'www-authenticate': `${REALM}, error="insufficient_scope"${scope}` },
      members: { scopes },
    });
  }
}

export class AdminRequired extends Problem {
  static override readonly status = 403;
  static override readonly code = 'admin-required';
  static override readonly fields = ['WWW-Authenticate'];
  static override readonly members = { roles: { type: 'array', items: { type: 'string', enum: [...OPERATOR_ROLES] }, description: 'The roles that may.' } };

  /** @param operator the smallest role that may */
  constructor(operator: OperatorRole) {
    super(operator === 'admin' ? 'This is for administrators.' : `This is for operators: ${operator}, or a role above it.`, {
      headers: { 'www-authenticate': `${REALM}, error="insufficient_scope"` },
      members: { roles: OPERATOR_ROLES.filter((role) => includesRole(role, operator)) },
    });
  }
}
