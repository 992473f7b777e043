import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { ApiKeysModule } from './api-keys/api-keys.module';
import { ApplyModule } from './apply/apply.module';
import { AuditModule } from './audit/audit.module';
import { AuthGuard } from './auth/auth.guard';
import { AuthModule } from './auth/auth.module';
import { CallSlotsGuard } from './auth/call-slots.guard';
import { WriteRateGuard } from './auth/write-rate.guard';
import { ConfigurationsModule } from './configurations/configurations.module';
import { CorsModule } from './cors/cors.module';
import { DatabaseModule } from './database/database.module';
import { DoctorModule } from './doctor/doctor.module';
import { ErrorPagesModule } from './error-pages/error-pages.module';
import { EventsModule } from './events/events.module';
import { GatewayModule } from './gateway/gateway.module';
import { GrantsModule } from './grants/grants.module';
import { HealthModule } from './health/health.module';
import { HousekeepingModule } from './housekeeping/housekeeping.module';
import { BodyGuard } from './http/body.guard';
import { ProblemFilter } from './http/problem.filter';
import { ValidationPipe } from './http/validation.pipe';
import { IdentityModule } from './identity/identity.module';
import { JobsModule } from './jobs/jobs.module';
import { MailModule } from './mail/mail.module';
import { MeteringModule } from './metering/metering.module';
import { MetricsModule } from './metrics/metrics.module';
import { NotificationsModule } from './notifications/notifications.module';
import { OutboxModule } from './outbox/outbox.module';
import { PersonalDataModule } from './personal-data/personal-data.module';
import { QuotasModule } from './quotas/quotas.module';
import { ReadReplicaModule } from './read-replica/read-replica.module';
import { ReplicasModule } from './replicas/replicas.module';
import { RequestsModule } from './requests/requests.module';
import { ServiceAccountsModule } from './service-accounts/service-accounts.module';
import { SettingsModule } from './settings/settings.module';
import { SingleSignOnModule } from './single-sign-on/single-sign-on.module';
import { TestClockModule } from './test-clock/test-clock.module';
import { TiersModule } from './tiers/tiers.module';
import { UserConfigurationsModule } from './user-configurations/user-configurations.module';
import { UsersModule } from './users/users.module';
import { WebhooksModule } from './webhooks/webhooks.module';

/** The map of the house. The environment and the routes come from `createApp()`. */
@Module({
  imports: [
    DatabaseModule,
    OutboxModule,
    SettingsModule,
    ConfigurationsModule,
    UserConfigurationsModule,
    ApplyModule,
    AuditModule,
    JobsModule,
    MailModule,
    TiersModule,
    UsersModule,
    ApiKeysModule,
    ServiceAccountsModule,
    AuthModule,
    IdentityModule,
    SingleSignOnModule,
    QuotasModule,
    ReadReplicaModule,
    ReplicasModule,
    RequestsModule,
    MeteringModule,
    PersonalDataModule,
    GatewayModule,
    GrantsModule,
    WebhooksModule,
    EventsModule,
    NotificationsModule,
    HousekeepingModule,
    CorsModule,
    HealthModule,
    DoctorModule,
    ErrorPagesModule,
    MetricsModule,
    TestClockModule,
  ],
  providers: [
    ProblemFilter,
    { provide: APP_FILTER, useExisting: ProblemFilter },
    { provide: APP_GUARD, useClass: AuthGuard },
    // In this order: they count for whom the guard before let through.
    { provide: APP_GUARD, useClass: WriteRateGuard },
    { provide: APP_GUARD, useClass: CallSlotsGuard },
    { provide: APP_GUARD, useClass: BodyGuard },
    { provide: APP_PIPE, useClass: ValidationPipe },
  ],
})
export class AppModule {}
