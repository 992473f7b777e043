import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { AuthModule } from '../auth/auth.module';
import { UsersModule } from '../users/users.module';
import { ExportService } from './export.service';
import { PersonalDataController } from './personal-data.controller';
import { PersonalDataRepository } from './personal-data.repository';

@Module({
  imports: [AuditModule, AuthModule, UsersModule],
  controllers: [PersonalDataController],
  providers: [ExportService, PersonalDataRepository],
})
export class PersonalDataModule {}
