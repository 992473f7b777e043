import { ERRORS_MEMBER, Problem } from '../http/problem';

export class EmailTaken extends Problem {
  static override readonly status = 409;
  static override readonly code = 'email-taken';
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('There is an account with this e-mail address already.', {
      members: { errors: [{ pointer: '#/email', detail: 'is taken', code: 'email-taken' }] },
    });
  }
}

export class ExternalIdTaken extends Problem {
  static override readonly status = 409;
  static override readonly code = 'external-id-taken';
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('Another account has this externalId.', {
      members: { errors: [{ pointer: '#/externalId', detail: 'is taken', code: 'external-id-taken' }] },
    });
  }
}

export class AdminFields extends Problem {
  static override readonly status = 403;
  static override readonly code = 'admin-only';

  constructor(fields: string[]) {
    super(`Only administrators change ${fields.join(', ')}.`);
  }
}

export class WrongPassword extends Problem {
  static override readonly status = 403;
  static override readonly code = 'wrong-password';
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('currentPassword is not right.', {
      members: { errors: [{ pointer: '#/currentPassword', detail: 'is not right', code: 'wrong-password' }] },
    });
  }
}

export class NotDeparting extends Problem {
  static override readonly status = 409;
  static override readonly code = 'not-being-deleted';

  constructor() {
    super('This account was not deleted, or is restored already.');
  }
}

export class LastAdmin extends Problem {
  static override readonly status = 409;
  static override readonly code = 'last-admin';

  constructor() {
    super('This is the last active administrator: make another one first.');
  }
}
