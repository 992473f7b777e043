import { ERRORS_MEMBER, Problem } from '../http/problem';
import { ApiKeySettings } from './api-keys.settings';

export class ScopeNotGrantable extends Problem {
  static override readonly status = 403;
  static override readonly code = 'scope-not-grantable';
  static override readonly members = ERRORS_MEMBER;

  constructor(scopes: string[]) {
    super(`Only administrators grant ${scopes.join(', ')}.`, {
      members: { errors: [{ pointer: '#/scopes', detail: `must not contain ${scopes.join(', ')}`, code: 'scope-not-grantable' }] },
    });
  }
}

export class TooManyApiKeys extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-api-keys';

  constructor(limit: number) {
    super(`A user has at most ${limit} API keys, by the setting ${ApiKeySettings.maxPerUser.key}: revoke one first.`);
  }
}
