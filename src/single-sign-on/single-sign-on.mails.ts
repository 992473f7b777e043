import { defineMail } from '../mail/mail-template';

const NOT_YOU = 'If it was not you, reset your password now, which ends all sessions, and unlink what you do not know.';

export const IDENTITY_LINKED = defineMail({
  name: 'identity-linked',
  params: ['issuer'],
  subject: '{{productName}}: a way to sign in was added to your account',
  text: `From now on, an identity at {{issuer}} signs in to your account.

${NOT_YOU}
`,
});

export const IDENTITY_UNLINKED = defineMail({
  name: 'identity-unlinked',
  params: ['issuer'],
  subject: '{{productName}}: a way to sign in was removed from your account',
  text: `An identity at {{issuer}} does not sign in to your account any more. Sessions that it began go on until they are ended.

${NOT_YOU}
`,
});
