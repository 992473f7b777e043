import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { AuthModule } from '../auth/auth.module';
import { MailModule } from '../mail/mail.module';
import { PasswordsModule } from '../passwords/passwords.module';
import { ProofsModule } from '../proofs/proofs.module';
import { UsersModule } from '../users/users.module';
import { EmailVerificationService } from './email-verification.service';
import { IdentityController } from './identity.controller';
import { LinkPagesController } from './link-pages.controller';
import { PasswordResetService } from './password-reset.service';

@Module({
  imports: [AuditModule, AuthModule, MailModule, PasswordsModule, ProofsModule, UsersModule],
  controllers: [IdentityController, LinkPagesController],
  providers: [EmailVerificationService, PasswordResetService],
})
export class IdentityModule {}
