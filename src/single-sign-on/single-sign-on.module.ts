import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { AuthModule } from '../auth/auth.module';
import { ForeignTokensModule } from '../foreign-tokens/foreign-tokens.module';
import { MailModule } from '../mail/mail.module';
import { ProofsModule } from '../proofs/proofs.module';
import { SecondFactorsModule } from '../second-factors/second-factors.module';
import { UsersModule } from '../users/users.module';
import { IdentitiesController } from './identities.controller';
import { IdentityLinksController } from './identity-links.controller';
import { IdentityLinksService } from './identity-links.service';
import { LoginState } from './login-state';
import { OidcExchange } from './oidc-exchange.service';
import { PeopleService } from './people.service';
import { ProvidersService } from './providers.service';
import { SingleSignOnController } from './single-sign-on.controller';
import { SingleSignOnService } from './single-sign-on.service';

/** Logins of people by identity providers. */
@Module({
  imports: [AuditModule, AuthModule, ForeignTokensModule, MailModule, ProofsModule, SecondFactorsModule, UsersModule],
  controllers: [IdentitiesController, IdentityLinksController, SingleSignOnController],
  providers: [IdentityLinksService, LoginState, OidcExchange, PeopleService, ProvidersService, SingleSignOnService],
})
export class SingleSignOnModule {}
