import { defineSetting } from '../settings/setting';

export const MailSettings = {
  productName: defineSetting<string>({
    key: 'mail.productName',
    schema: { type: 'string', minLength: 1, maxLength: 60, pattern: '^[^\\u0000-\\u001f\\u007f]+$' },
    default: 'Quotidian',
    description: 'What mails call the product.',
    visibility: 'public',
  }),
  linkBase: defineSetting<string>({
    key: 'mail.linkBase',
    schema: { type: 'string', maxLength: 500, pattern: '^https?://[^\\s?#"<>]+$' },
    default: 'http://localhost:3000',
    description:
      'Where the links in mails lead: the public address of this service, or of pages of your own. The default stands for this service on its own machine, whatever its `PORT` and `BASE_PATH`.',
    visibility: 'public',
  }),
  retentionDays: defineSetting<number>({
    key: 'mail.retentionDays',
    schema: { type: 'integer', minimum: 1, maximum: 3_650 },
    default: 30,
    unit: 'days',
    description:
      'For how many days it is kept which mail went to whom and what became of it, and mails that are files. The contents of a mail are forgotten when it was sent.',
  }),
};
