import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PasswordsModule } from '../passwords/passwords.module';
import { ProofsModule } from '../proofs/proofs.module';
import { TiersModule } from '../tiers/tiers.module';
import { UserAttributes } from './entities/user-attributes.entity';
import { EmailChangeService } from './email-change.service';
import { User } from './entities/user.entity';
import { UserDeparture } from './entities/user-departure.entity';
import { UserRemoval } from './entities/user-removal.entity';
import { TierChangesController } from './tier-changes.controller';
import { UpdateUserService } from './update-user.service';
import { UserAttributesRepository } from './user-attributes.repository';
import { UserDeparturesRepository } from './user-departures.repository';
import { UserDeparturesService } from './user-departures.service';
import { UserRemovalJob } from './user-removal.job';
import { UserRemovalRepository } from './user-removal.repository';
import { UserRemovalService } from './user-removal.service';
import { UsersController } from './users.controller';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';

@Module({
  imports: [
    TypeOrmModule.forFeature([User, UserAttributes, UserDeparture, UserRemoval]),
    AuditModule,
    IdempotencyModule,
    LedgerModule,
    PasswordsModule,
    JobsModule,
    ProofsModule,
    TiersModule,
  ],
  controllers: [UsersController, TierChangesController],
  providers: [
    EmailChangeService,
    UsersService,
    UpdateUserService,
    UserAttributesRepository,
    UserDeparturesRepository,
    UserDeparturesService,
    UserRemovalJob,
    UserRemovalRepository,
    UserRemovalService,
    UsersRepository,
  ],
  exports: [UpdateUserService, UsersRepository, UsersService],
})
export class UsersModule {}
