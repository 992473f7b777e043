import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { ChangesRepository } from './changes.repository';
import { ConfigurationHistoryService } from './configuration-history.service';
import { ConfigurationsRepository } from './configurations.repository';
import { EffectiveSettings } from './effective-settings.service';
import { SystemConfiguration } from './entities/system-configuration.entity';
import { SystemConfigurationChange } from './entities/system-configuration-change.entity';
import { SystemConfigurationVersion } from './entities/system-configuration-version.entity';
import { UserConfiguration } from './entities/user-configuration.entity';
import { UserConfigurationVersion } from './entities/user-configuration-version.entity';
import { JsonSchemas } from './json-schemas';
import { SecretBox } from './secret-box';
import { SecretsRepository } from './secrets.repository';
import { SecretsRotationService } from './secrets-rotation.service';
import { SettingDefinitions } from './setting-definitions';
import { SettingWriter } from './setting-writer.service';
import { SettingsApplyService } from './settings-apply.service';
import { SettingsExportService } from './settings-export.service';
import { SettingsService } from './settings.service';
import { SystemConfigurationsController } from './system-configurations.controller';
import { SystemConfigurationsService } from './system-configurations.service';
import { UserConfigurationsController } from './user-configurations.controller';
import { UserConfigurationsRepository } from './user-configurations.repository';
import { UserConfigurationsService } from './user-configurations.service';

@Global()
@Module({
  imports: [
    TypeOrmModule.forFeature([SystemConfiguration, SystemConfigurationChange, SystemConfigurationVersion, UserConfiguration, UserConfigurationVersion]),
    AuditModule,
  ],
  controllers: [SystemConfigurationsController, UserConfigurationsController],
  providers: [
    ChangesRepository,
    ConfigurationHistoryService,
    ConfigurationsRepository,
    EffectiveSettings,
    JsonSchemas,
    SecretBox,
    SecretsRepository,
    SecretsRotationService,
    SettingDefinitions,
    SettingWriter,
    SettingsApplyService,
    SettingsExportService,
    SettingsService,
    SystemConfigurationsService,
    UserConfigurationsRepository,
    UserConfigurationsService,
  ],
  exports: [ChangesRepository, SecretBox, SettingsService, SettingWriter, SystemConfigurationsService],
})
export class ConfigurationsModule {}
