import { Module } from '@nestjs/common';
import { Attempts } from './attempts';
import { PasswordsService } from './passwords.service';

@Module({
  providers: [Attempts, PasswordsService],
  exports: [PasswordsService],
})
export class PasswordsModule {}
