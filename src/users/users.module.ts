import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { TiersModule } from '../tiers/tiers.module';
import { User } from './entities/user.entity';
import { UpdateUserService } from './update-user.service';
import { UsersController } from './users.controller';
import { UsersRepository } from './users.repository';
import { UsersService } from './users.service';

@Module({
  imports: [TypeOrmModule.forFeature([User]), AuditModule, IdempotencyModule, TiersModule],
  controllers: [UsersController],
  providers: [UsersService, UpdateUserService, UsersRepository],
  exports: [UsersRepository, UsersService],
})
export class UsersModule {}
