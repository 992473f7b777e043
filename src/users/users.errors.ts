import { Problem } from '../http/problem';

export class EmailTaken extends Problem {
  constructor() {
    super(409, 'email-taken', 'There is an account with this e-mail address already.', {
      members: { errors: [{ pointer: '#/email', detail: 'is taken', code: 'email-taken' }] },
    });
  }
}

export class AdminFields extends Problem {
  constructor(fields: string[]) {
    super(403, 'admin-only', `Only administrators change ${fields.join(', ')}.`);
  }
}

export class WrongPassword extends Problem {
  constructor() {
    super(403, 'wrong-password', 'currentPassword is not right.', {
      members: { errors: [{ pointer: '#/currentPassword', detail: 'is not right', code: 'wrong-password' }] },
    });
  }
}

export class LastAdmin extends Problem {
  constructor() {
    super(409, 'last-admin', 'This is the last active administrator: make another one first.');
  }
}
