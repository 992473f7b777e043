import MailComposer from 'nodemailer/lib/mail-composer';
import { type MailFrom } from '../config/smtp-server';
import { type MailTexts } from './mail-texts.service';

export interface MessageParts extends MailTexts {
  id: string;
  from: MailFrom;
  to: string;
  createdAt: Date;
}

/** The message as it goes over the wire. At each try of a mail it has the same Message-ID, so that a mailbox knows a repetition. */
export function messageOf({ id, from, to, createdAt, subject, text, html }: MessageParts): Promise<Buffer> {
  const composer = new MailComposer({
    from,
    // As an object, or commas in it would make it a list.
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId: `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    date: createdAt,
    // No robot answers it (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated' },
    newline: '\r\n',
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}
