import { Injectable, type OnModuleInit } from '@nestjs/common';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { SettingsService } from '../settings/settings.service';
import { LinkBase } from './link-base.service';
import { asLine, definedMails, escapeHtml, fillIn, htmlOf, type MailTemplate, unknownParams } from './mail-template';
import { MailSettings } from './mail.settings';

export interface MailTexts {
  subject: string;
  text: string;
  html: string;
}

const SUBJECT = /^Subject: *(\S[^\n]*)\n\s*\n/;

/**
 * The texts of mails: an operator's where there are files of theirs, else ours. Always true: files are read and checked when the
 * service starts, so that no mail fails for its texts; a value is escaped where it would be HTML, and is one line in a subject.
 */
@Injectable()
export class MailTextsService implements OnModuleInit {
  private readonly texts = new Map<string, MailTexts>();

  constructor(
    private readonly environment: Environment,
    private readonly settings: SettingsService,
    private readonly linkBase: LinkBase,
  ) {}

  /** @throws StartupError naming the file that cannot be used */
  onModuleInit(): void {
    const folder = this.environment.MAIL_TEMPLATES_DIR;
    if (folder !== undefined) assertKnown(folder);
    for (const template of definedMails().values()) this.texts.set(template.name, textsOf(template, folder));
  }

  /** @returns null for a mail of a release that knew others */
  render(name: string, params: Readonly<Record<string, string>>): MailTexts | null {
    const texts = this.texts.get(name);
    if (texts === undefined) return null;
    const all = { ...params, productName: this.settings.get(MailSettings.productName), linkBase: this.linkBase.value };
    return { subject: asLine(fillIn(texts.subject, all, String)), text: fillIn(texts.text, all, String), html: fillIn(texts.html, all, escapeHtml) };
  }
}

function assertKnown(folder: string): void {
  if (!existsSync(folder)) throw new StartupError(`MAIL_TEMPLATES_DIR: there is no folder ${folder}.`);
  for (const file of readdirSync(folder).filter((name) => ['.txt', '.html'].includes(extname(name)))) {
    if (!definedMails().has(basename(file, extname(file)))) {
      throw new StartupError(`${join(folder, file)} is the text of no mail: there are ${[...definedMails().keys()].sort().join(', ')}.`);
    }
  }
}

function textsOf(template: MailTemplate, folder: string | undefined): MailTexts {
  const text = fileOf(template, folder, 'txt');
  const html = fileOf(template, folder, 'html');
  const own = text === null ? { subject: template.subject, text: template.text } : subjectAndText(text.path, text.content);
  return { ...own, html: html?.content ?? htmlOf(own.text) };
}

function fileOf(template: MailTemplate, folder: string | undefined, extension: string): { path: string; content: string } | null {
  const path = folder === undefined ? '' : join(folder, `${template.name}.${extension}`);
  if (path === '' || !existsSync(path)) return null;
  const content = readFileSync(path, 'utf8')
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n');
  const unknown = unknownParams(template, content);
  if (unknown.length === 0) return { path, content };
  throw new StartupError(`${path} names ${unknown.join(', ')}, which this mail does not have: it has ${template.params.join(', ')}, productName and linkBase.`);
}

function subjectAndText(path: string, content: string): { subject: string; text: string } {
  const [head, subject] = SUBJECT.exec(content) ?? [];
  if (head === undefined || subject === undefined) throw new StartupError(`${path} must begin with a line "Subject: …" and an empty line.`);
  return { subject, text: content.slice(head.length) };
}
