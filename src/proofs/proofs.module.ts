import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { MailModule } from '../mail/mail.module';
import { AddressProofsService } from './address-proofs.service';
import { ChargeProof } from './charge-proof';
import { AddressProof } from './entities/address-proof.entity';
import { OneTimeToken } from './entities/one-time-token.entity';
import { MailAllowances } from './mail-allowances';
import { ProofsRepository } from './proofs.repository';

@Module({
  imports: [TypeOrmModule.forFeature([AddressProof, OneTimeToken]), MailModule],
  providers: [AddressProofsService, ChargeProof, MailAllowances, ProofsRepository],
  exports: [AddressProofsService, ChargeProof, MailAllowances, ProofsRepository],
})
export class ProofsModule {}
