import { Problem } from '../http/problem';

export class ServiceAccountNameTaken extends Problem {
  static override readonly status = 409;
  static override readonly code = 'service-account-name-taken';

  constructor() {
    super('There is a service account of this name.');
  }
}
