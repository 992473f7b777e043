import { defineMail } from '../mail/mail-template';

const NOT_YOU = 'If it was not you, reset your password now.';

export const VERIFY_EMAIL = defineMail({
  name: 'verify-email',
  params: ['link'],
  subject: '{{productName}}: confirm your e-mail address',
  text: `Please confirm that this address is yours:

{{link}}

The link works once, within 24 hours. If you did not ask for it, there is nothing to do.
`,
});

export const EMAIL_CHANGING = defineMail({
  name: 'email-changing',
  params: ['newEmail'],
  subject: '{{productName}}: your e-mail address is about to change',
  text: `Somebody with your password asked for the address of your account to become {{newEmail}}. It does once that address is confirmed.

${NOT_YOU} That also ends the change.
`,
});

export const EMAIL_CHANGED = defineMail({
  name: 'email-changed',
  params: ['newEmail'],
  subject: '{{productName}}: your e-mail address was changed',
  text: `The address of your account is {{newEmail}} from now on. No further mail comes here.

If that is not what you want, write to whoever runs {{productName}}.
`,
});

export const RESET_PASSWORD = defineMail({
  name: 'reset-password',
  params: ['link'],
  subject: '{{productName}}: set a new password',
  text: `Here you set a new password:

{{link}}

The link works once, within an hour. If you did not ask for it, there is nothing to do: your password stays as it is.
`,
});

export const PASSWORD_CHANGED = defineMail({
  name: 'password-changed',
  params: [],
  subject: '{{productName}}: your password was changed',
  text: `The password of your account was changed, and all sessions have ended.

${NOT_YOU}
`,
});
