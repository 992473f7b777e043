import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { UserConfigurationsModule } from '../user-configurations/user-configurations.module';
import { ConfigurationChangesController } from './configuration-changes.controller';
import { ConfigurationChangesService } from './configuration-changes.service';
import { ConfigurationHistoryService } from './configuration-history.service';
import { DueChangesJob } from './due-changes.job';
import { SecretsRotationService } from './secrets-rotation.service';
import { SecretsRepository } from './secrets.repository';
import { SettingsApplyService } from './settings-apply.service';
import { SettingsExportService } from './settings-export.service';
import { SystemConfigurationsController } from './system-configurations.controller';
import { SystemConfigurationsService } from './system-configurations.service';

@Module({
  imports: [AuditModule, IdempotencyModule, UserConfigurationsModule],
  controllers: [SystemConfigurationsController, ConfigurationChangesController],
  providers: [
    ConfigurationChangesService,
    ConfigurationHistoryService,
    DueChangesJob,
    SecretsRepository,
    SecretsRotationService,
    SettingsApplyService,
    SettingsExportService,
    SystemConfigurationsService,
  ],
  exports: [SettingsApplyService, SettingsExportService, SystemConfigurationsService],
})
export class ConfigurationsModule {}
