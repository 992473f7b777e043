import { defineMail } from '../mail/mail-template';

export const QUOTA_REACHED = defineMail({
  name: 'quota-reached',
  params: ['share', 'used', 'limit', 'remaining', 'resetsAt'],
  subject: '{{productName}}: {{share}} % of your daily quota are used',
  text: `You have used {{used}} of the {{limit}} units of your daily quota. {{remaining}} are left until {{resetsAt}}, when the next day begins.
`,
});

export const QUOTA_EXHAUSTED = defineMail({
  name: 'quota-exhausted',
  params: ['used', 'limit', 'resetsAt'],
  subject: '{{productName}}: your daily quota is used up',
  text: `Nothing is left of the {{limit}} units of your daily quota. Further requests are refused until {{resetsAt}}, when the next day begins.
`,
});

export const ALERT = defineMail({
  name: 'alert',
  params: ['type', 'time', 'details'],
  subject: '{{productName}}: {{type}}',
  text: `Something needs your attention: {{type}}, at {{time}}.

{{details}}

What it means and what to do is in docs/events.md.
`,
});
