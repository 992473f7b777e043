import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HealthModule } from '../health/health.module';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { MailModule } from '../mail/mail.module';
import { UserConfigurationsModule } from '../user-configurations/user-configurations.module';
import { UsersModule } from '../users/users.module';
import { OperatorAlert } from './entities/operator-alert.entity';
import { BooksJob } from './books.job';
import { EventMails } from './event-mails';
import { OperatorAlertsRepository } from './operator-alerts.repository';
import { OperatorAlerts } from './operator-alerts.service';
import { OperatorWatch } from './operator-watch';

/** Mails that follow from events, and what operators are alerted to. */
@Module({
  imports: [TypeOrmModule.forFeature([OperatorAlert]), HealthModule, JobsModule, LedgerModule, MailModule, UserConfigurationsModule, UsersModule],
  providers: [BooksJob, EventMails, OperatorAlerts, OperatorAlertsRepository, OperatorWatch],
})
export class NotificationsModule {}
