import { Injectable } from '@nestjs/common';
import { type Principal } from '../common/principal';
import { SettingsService } from '../settings/settings.service';
import { EmailUnverified } from './proofs.errors';
import { ProofSettings } from './proofs.settings';

/** Holds who charges to a proven address, from memory: what is known of the caller is a second old at the longest. */
@Injectable()
export class ChargeProof {
  constructor(private readonly settings: SettingsService) {}

  /**
   * Administrators are not held to it, nor is a `service` key that charges others: whoever has one answers for them.
   * @throws EmailUnverified
   */
  assert({ emailVerified, role, userId }: Principal, chargedId: number): void {
    if (emailVerified || role === 'admin' || userId !== chargedId) return;
    if (this.settings.get(ProofSettings.emailVerification) === 'required') throw new EmailUnverified();
  }
}
