import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { MailModule } from '../mail/mail.module';
import { PasswordsModule } from '../passwords/passwords.module';
import { UsersModule } from '../users/users.module';
import { RecoveryCode } from './entities/recovery-code.entity';
import { SecondFactor } from './entities/second-factor.entity';
import { SecondFactorsController } from './second-factors.controller';
import { SecondFactorsRepository } from './second-factors.repository';
import { SecondFactorsService } from './second-factors.service';

@Module({
  imports: [TypeOrmModule.forFeature([RecoveryCode, SecondFactor]), AuditModule, MailModule, PasswordsModule, UsersModule],
  controllers: [SecondFactorsController],
  providers: [SecondFactorsRepository, SecondFactorsService],
  exports: [SecondFactorsService],
})
export class SecondFactorsModule {}
