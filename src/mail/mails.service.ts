import { Injectable, Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { type EntityManager } from 'typeorm';
import { isMailAddress } from '../config/smtp-server';
import { SecretBox } from '../settings/secret-box';
import { defineSealedColumn, sealName } from '../settings/sealed-column';
import { SettingsService } from '../settings/settings.service';
import { type MailTemplate } from './mail-template';
import { MailSettings } from './mail.settings';
import { MailsRepository } from './mails.repository';

/** More than a link with a token needs. */
const PARAM_MAX_CHARS = 2_000;

export const MAIL_CONTENTS = defineSealedColumn({ table: 'mails', id: 'id', idType: 'uuid', column: 'contents' });

export interface MailToSend<Param extends string> {
  template: MailTemplate<Param>;
  /** One address. */
  to: string;
  params: Readonly<Record<Param, string>>;
  /** Whose account it is about; null: nobody's. */
  userId: number | null;
  /** After so many seconds it is of no use, and not sent any more; left out: it always is. */
  expiresInSeconds?: number;
}

/** What is sealed of a mail. */
export interface MailContents {
  to: string;
  params: Record<string, string>;
}

/** Mails to people. Always true: a mail is sent if and only if its transaction committed, later and by a sender, at least once and always with the same Message-ID. */
@Injectable()
export class MailsService {
  private readonly logger = new Logger(MailsService.name);

  constructor(
    private readonly repository: MailsRepository,
    private readonly secrets: SecretBox,
    private readonly settings: SettingsService,
  ) {}

  /**
   * Writes a mail in the caller's transaction.
   * @returns false where mail cannot go: other programs make accounts too, with addresses that are none
   */
  async enqueue<Param extends string>(tx: EntityManager, { template, to, params, userId, expiresInSeconds }: MailToSend<Param>): Promise<boolean> {
    if (!isMailAddress(to)) {
      this.logger.debug(`no ${template.name} for user ${userId ?? 'unknown'}: mail cannot go to what is stored as the address`);
      return false;
    }
    const id = randomUUID();
    const cut = Object.fromEntries(template.params.map((name) => [name, params[name].slice(0, PARAM_MAX_CHARS)]));
    const contents = this.secrets.seal(sealName(MAIL_CONTENTS, id), { to, params: cut } satisfies MailContents);
    await this.repository.insert(tx, { id, userId, template: template.name, contents, expiresInSeconds: expiresInSeconds ?? null });
    return true;
  }

  /** Forgets mails that ended longer ago than `mail.retentionDays`, in batches; returns how many. */
  async removeEnded(stop?: AbortSignal): Promise<number> {
    for (let sum = 0; ;) {
      const removed = await this.repository.removeEnded(this.settings.get(MailSettings.retentionDays));
      sum += removed;
      if (removed === 0 || stop?.aborted) return sum;
    }
  }
}
