import { Problem } from './problem';

const REALM = 'Bearer realm="quotidian"';

export class ScopeRequired extends Problem {
  constructor(scopes: readonly string[]) {
    super(403, 'scope-required', `This needs an API key with ${scopes.join(', ')}.`, {
      headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="${scopes.join(' ')}"` },
      members: { scopes },
    });
  }
}

export class AdminRequired extends Problem {
  constructor() {
    super(403, 'admin-required', 'This is for administrators, by a session or a key with the admin scope.', {
      headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="admin"` },
    });
  }
}
