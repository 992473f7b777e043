import { Problem } from './problem';

const REALM = 'Bearer realm="quotidian"';

export class ScopeRequired extends Problem {
  /** @param scopes that would do; none: no scope that the caller could have would, but a session does */
  constructor(scopes: readonly string[]) {
    const detail = scopes.length === 0 ? 'No API key of yours may do this: it takes a login session.' : `This needs an API key with ${scopes.join(', ')}.`;
    const scope = scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`;
    super(403, 'scope-required', detail, {
      headers: { 'www-authenticate': `${REALM}, error="insufficient_scope"${scope}` },
      members: { scopes },
    });
  }
}

export class AdminRequired extends Problem {
  constructor() {
    super(403, 'admin-required', 'This is for administrators.', {
      headers: { 'www-authenticate': `${REALM}, error="insufficient_scope"` },
    });
  }
}
