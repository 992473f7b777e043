import { Problem } from '../http/problem';
import { GrantSettings } from './grants.settings';

export class TooManyGrants extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-grants';

  constructor(limit: number) {
    super(`A user has at most ${limit} grants that have not ended, by the setting ${GrantSettings.maxPerUser.key}: revoke one first.`);
  }
}
