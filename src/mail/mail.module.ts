import { Module } from '@nestjs/common';
import { LinkBase } from './link-base.service';
import { MailSender } from './mail-sender';
import { MailTextsService } from './mail-texts.service';
import { MailsRepository } from './mails.repository';
import { MailsService } from './mails.service';

@Module({
  providers: [LinkBase, MailSender, MailsRepository, MailsService, MailTextsService],
  exports: [LinkBase, MailSender, MailsService],
})
export class MailModule {}
