import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiKeysModule } from '../api-keys/api-keys.module';
import { AuditModule } from '../audit/audit.module';
import { ForeignTokensModule } from '../foreign-tokens/foreign-tokens.module';
import { MailModule } from '../mail/mail.module';
import { PasswordsModule } from '../passwords/passwords.module';
import { ProofsModule } from '../proofs/proofs.module';
import { SecondFactorsModule } from '../second-factors/second-factors.module';
import { User } from '../users/entities/user.entity';
import { UsersModule } from '../users/users.module';
import { AccessCheck } from './access-check';
import { AdminsService } from './admins.service';
import { AccessTokens } from './access-tokens';
import { AuthController } from './auth.controller';
import { AuthService } from './auth.service';
import { CredentialWatch } from './credential-watch';
import { Credentials } from './credentials';
import { KnownDevice } from './entities/known-device.entity';
import { RefreshToken } from './entities/refresh-token.entity';
import { Session } from './entities/session.entity';
import { PrincipalsRepository } from './principals.repository';
import { PrincipalsService } from './principals.service';
import { SessionCookie } from './session-cookie';
import { SessionListService } from './session-list.service';
import { SessionsController } from './sessions.controller';
import { SessionsRepository } from './sessions.repository';
import { SessionsService } from './sessions.service';
import { SignInLinksController } from './sign-in-links.controller';
import { SignInLinksService } from './sign-in-links.service';

@Module({
  imports: [
    TypeOrmModule.forFeature([KnownDevice, RefreshToken, Session, User]),
    DiscoveryModule,
    ApiKeysModule,
    AuditModule,
    ForeignTokensModule,
    MailModule,
    PasswordsModule,
    ProofsModule,
    SecondFactorsModule,
    UsersModule,
  ],
  controllers: [AuthController, SessionsController, SignInLinksController],
  providers: [
    AccessCheck,
    AccessTokens,
    AdminsService,
    AuthService,
    Credentials,
    CredentialWatch,
    PrincipalsRepository,
    PrincipalsService,
    SessionCookie,
    SessionListService,
    SessionsRepository,
    SessionsService,
    SignInLinksService,
  ],
  exports: [AccessTokens, AdminsService, AuthService, Credentials, CredentialWatch, PrincipalsService, SessionCookie, SessionsService, SignInLinksService],
})
export class AuthModule {}
