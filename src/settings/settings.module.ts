import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { ChangesRepository } from './changes.repository';
import { CurrentSettings } from './current-settings.service';
import { SystemConfigurationChange } from './entities/system-configuration-change.entity';
import { SystemConfigurationVersion } from './entities/system-configuration-version.entity';
import { SystemConfiguration } from './entities/system-configuration.entity';
import { JsonSchemas } from './json-schemas';
import { SecretBox } from './secret-box';
import { SettingDefinitions } from './setting-definitions';
import { SettingWriter } from './setting-writer.service';
import { SettingsService } from './settings.service';
import { SystemSettingsRepository } from './system-settings.repository';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([SystemConfiguration, SystemConfigurationChange, SystemConfigurationVersion]), AuditModule],
  providers: [ChangesRepository, CurrentSettings, JsonSchemas, SecretBox, SettingDefinitions, SettingsService, SettingWriter, SystemSettingsRepository],
  exports: [ChangesRepository, CurrentSettings, SecretBox, SettingDefinitions, SettingsService, SettingWriter, SystemSettingsRepository],
})
export class SettingsModule {}
