import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Environment } from '../config/environment';
import { DueWork } from '../database/due-work';
import { Notifications } from '../database/notifications';
import { SecretBox } from '../settings/secret-box';
import { sealName } from '../settings/sealed-column';
import { SettingsService } from '../settings/settings.service';
import { deliverToFolder, mailFolder, tidyFolder } from './mail-folder';
import { messageOf } from './mail-message';
import { asLine } from './mail-template';
import { MailTextsService } from './mail-texts.service';
import { MailSettings } from './mail.settings';
import { type DueMail, MailsRepository } from './mails.repository';
import { MAIL_CONTENTS, type MailContents } from './mails.service';
import { pauseAfter } from './retry-plan';
import { deliverBySmtp, RefusedForGood } from './smtp-delivery';

/** Connections to the server at a time: one that stalls holds a place, for less than a minute. */
const AT_ONCE = 4;
/** The net under the notifications, and how late a retry may be. */
const LOOK_MS = 5_000;
const GRACE_MS = 5_000;

/**
 * Sends the mails that are due. Always true: nothing of the database is held while a server is spoken to, so that one that stalls
 * holds up nothing but mails; a mail that was not surely sent is tried again, by any replica, until it is or the plan is at its end.
 * Processes that listen send; commands do not.
 */
@Injectable()
export class MailSender implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(MailSender.name);
  private readonly work = new DueWork<DueMail>({
    name: 'mails',
    atOnce: AT_ONCE,
    everyMs: LOOK_MS,
    claim: (max) => this.repository.claim(max, this.secrets.keyIds),
    handle: (mail, stop) => this.handle(mail, stop),
  });

  constructor(
    private readonly repository: MailsRepository,
    private readonly texts: MailTextsService,
    private readonly secrets: SecretBox,
    private readonly settings: SettingsService,
    private readonly environment: Environment,
    private readonly notifications: Notifications,
    private readonly server: HttpAdapterHost,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.notifications.on('mails', () => this.work.wake());
    this.notifications.onGap(() => this.work.wake());
    this.server.listen$.subscribe(() => this.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.work.stop(GRACE_MS);
  }

  /** Removes mails that are files and whose time is over. */
  async tidy(): Promise<void> {
    if (this.environment.smtpServer === null) await tidyFolder(mailFolder(this.environment.DATA_DIR), this.settings.get(MailSettings.retentionDays));
  }

  private start(): void {
    if (this.environment.smtpServer === null) {
      const note = `SMTP_URL is not set: each mail is a file in ${mailFolder(this.environment.DATA_DIR)}`;
      if (this.environment.NODE_ENV === 'production') this.logger.warn(note);
      else this.logger.log(note);
    }
    this.work.start();
  }

  private async handle(mail: DueMail, stop: AbortSignal): Promise<void> {
    if (mail.expired) return this.repository.end(mail, 'failed', 'it was of no use any more');
    try {
      await this.deliver(mail, stop);
    } catch (error) {
      if (stop.aborted) return this.repository.release(mail);
      return this.failed(mail, error as Error);
    }
    await this.repository.end(mail, 'sent');
  }

  private async deliver(mail: DueMail, stop: AbortSignal): Promise<void> {
    const contents = this.secrets.open(sealName(MAIL_CONTENTS, mail.id), mail.contents) as MailContents | undefined;
    if (contents === undefined) throw new Error('it was sealed with a key that is not given');
    const texts = this.texts.render(mail.template, contents.params);
    if (texts === null) throw new Error('there is no such kind of mail in this release');
    const { smtpServer, mailFrom: from, DATA_DIR } = this.environment;
    const message = await messageOf({ ...texts, id: mail.id, from, to: contents.to, createdAt: mail.createdAt });
    if (smtpServer === null) await deliverToFolder(mailFolder(DATA_DIR), fileName(mail), message);
    else await deliverBySmtp(smtpServer, { from: from.address, to: contents.to }, message, stop);
  }

  private async failed(mail: DueMail, error: Error): Promise<void> {
    const reason = asLine(error.message);
    const pauseMs = error instanceof RefusedForGood ? null : pauseAfter(mail.attempt);
    this.logger.warn(`${mail.template} ${mail.id} not sent, ${pauseMs === null ? 'given up' : `next try in ${pauseMs / 1_000} s`}: ${reason}`);
    if (pauseMs === null) await this.repository.end(mail, 'failed', reason);
    else await this.repository.postpone(mail, pauseMs, reason);
  }
}

/** In the order of time where files are listed; the same at each try. */
function fileName({ id, template, createdAt }: DueMail): string {
  return `${createdAt.toISOString().replaceAll(/[:.]/g, '-')}-${template}-${id}`;
}
