import { defineMail } from '../mail/mail-template';

export const NEW_DEVICE = defineMail({
  name: 'new-device',
  params: ['time', 'address', 'userAgent'],
  subject: '{{productName}}: a new sign-in to your account',
  text: `Somebody signed in to your account from a device that was not seen before.

Time: {{time}}
Address: {{address}}
Program: {{userAgent}}

If it was not you, reset your password now: that ends all sessions.
`,
});
