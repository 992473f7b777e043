import { defineMail } from '../mail/mail-template';

const NOT_YOU = 'If it was not you, reset your password now: that ends all sessions.';

export const TOTP_ENABLED = defineMail({
  name: 'totp-enabled',
  params: [],
  subject: '{{productName}}: your account has a second factor',
  text: `From now on, signing in takes your password and a code of your authenticator app.

${NOT_YOU}
`,
});

export const TOTP_REMOVED = defineMail({
  name: 'totp-removed',
  params: [],
  subject: '{{productName}}: the second factor of your account was removed',
  text: `From now on, your password alone is enough to sign in.

${NOT_YOU}
`,
});

export const RECOVERY_CODE_USED = defineMail({
  name: 'recovery-code-used',
  params: ['left'],
  subject: '{{productName}}: a recovery code was used',
  text: `Somebody signed in to your account with your password and a recovery code. {{left}} are left.

${NOT_YOU}
`,
});
