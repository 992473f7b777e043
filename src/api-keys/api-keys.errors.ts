import { Problem } from '../http/problem';

export class ScopeNotGrantable extends Problem {
  constructor(scopes: string[]) {
    super(403, 'scope-not-grantable', `Only administrators grant ${scopes.join(', ')}.`, {
      members: { errors: [{ pointer: '#/scopes', detail: `must not contain ${scopes.join(', ')}`, code: 'scope-not-grantable' }] },
    });
  }
}

export class TooManyApiKeys extends Problem {
  constructor(limit: number) {
    super(409, 'too-many-api-keys', `A user has at most ${limit} API keys: revoke one first.`);
  }
}
