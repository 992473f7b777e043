import { Module } from '@nestjs/common';
import { MailSender } from './mail-sender';
import { MailTextsService } from './mail-texts.service';
import { MailsRepository } from './mails.repository';
import { MailsService } from './mails.service';

@Module({
  providers: [MailSender, MailsRepository, MailsService, MailTextsService],
  exports: [MailSender, MailsService],
})
export class MailModule {}
