import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { EffectiveSettings } from './effective-settings.service';
import { UserConfigurationVersion } from './entities/user-configuration-version.entity';
import { UserConfiguration } from './entities/user-configuration.entity';
import { UserConfigurationsController } from './user-configurations.controller';
import { UserConfigurationsRepository } from './user-configurations.repository';
import { UserConfigurationsService } from './user-configurations.service';

@Module({
  imports: [TypeOrmModule.forFeature([UserConfiguration, UserConfigurationVersion]), AuditModule],
  controllers: [UserConfigurationsController],
  providers: [EffectiveSettings, UserConfigurationsRepository, UserConfigurationsService],
  exports: [UserConfigurationsRepository, UserConfigurationsService],
})
export class UserConfigurationsModule {}
