import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { UsersModule } from '../users/users.module';
import { UserIdentity } from './entities/user-identity.entity';
import { ForeignTokens } from './foreign-tokens.service';
import { IdentitiesRepository } from './identities.repository';
import { IdentitiesService } from './identities.service';

@Module({
  imports: [TypeOrmModule.forFeature([UserIdentity]), AuditModule, UsersModule],
  providers: [ForeignTokens, IdentitiesRepository, IdentitiesService],
  exports: [ForeignTokens, IdentitiesRepository],
})
export class ForeignTokensModule {}
