import { Problem } from '../http/problem';
import { ApiKeySettings } from './api-keys.settings';

export class ScopeNotGrantable extends Problem {
  constructor(scopes: string[]) {
    super(403, 'scope-not-grantable', `Only administrators grant ${scopes.join(', ')}.`, {
      members: { errors: [{ pointer: '#/scopes', detail: `must not contain ${scopes.join(', ')}`, code: 'scope-not-grantable' }] },
    });
  }
}

export class TooManyApiKeys extends Problem {
  constructor(limit: number) {
    super(409, 'too-many-api-keys', `A user has at most ${limit} API keys, by the setting ${ApiKeySettings.maxPerUser.key}: revoke one first.`);
  }
}
