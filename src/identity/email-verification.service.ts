import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transactions';
import { AddressProofsService } from '../proofs/address-proofs.service';
import { MailAllowances } from '../proofs/mail-allowances';
import { TokenRefused } from '../proofs/proofs.errors';
import { ProofsRepository } from '../proofs/proofs.repository';
import { emailTaken, UsersService } from '../users/users.service';

const sameAddress = (one: string, other: string | null) => one.toLowerCase() === other?.toLowerCase();

/** Proves addresses. Always true: an account gets the address that waits for it in the transaction that uses the token up, or not at all. */
@Injectable()
export class EmailVerificationService {
  constructor(
    private readonly users: UsersService,
    private readonly proofs: AddressProofsService,
    private readonly repository: ProofsRepository,
    private readonly allowances: MailAllowances,
    private readonly transactions: Transactions,
  ) {}

  /** Mails the link to the address that waits, or else to the account's where that is not proven. Nothing happens where there is none to prove, or it was mailed too often. */
  async send(userId: number): Promise<void> {
    const found = await this.proofs.addressOf(userId);
    if (found === null || (found.proven && found.pendingEmail === null)) return;
    const email = found.pendingEmail ?? found.email;
    if (this.allowances.holder(userId, email) > 0) return;
    await this.transactions.run((tx) => this.proofs.mailLink(tx, 'verify-email', userId, email));
  }

  /** @throws TokenRefused, EmailTaken when somebody else has the address by now */
  async verify(token: string, requestId: string): Promise<void> {
    const userId = await this.proofs.holderOf(token, 'verify-email');
    await this.transactions.run(async (tx) => {
      const held = await this.repository.lockAddress(tx, userId);
      const email = await this.proofs.use(tx, token, 'verify-email');
      if (held === null) throw new TokenRefused();
      const before = await this.users.get(userId, tx);
      if (!sameAddress(email, before.email)) {
        // Of an address that neither is the account's nor waits any more.
        if (!sameAddress(email, before.pendingEmail)) throw new TokenRefused();
        await this.repository.moveAddress(tx, userId, email).catch(emailTaken);
        await this.proofs.forgetPending(tx, userId);
      }
      await this.repository.setProven(tx, userId, email);
      const after = await this.users.get(userId, tx);
      const actor = { kind: 'user' as const, id: userId, requestId };
      await this.users.recordUpdate(tx, actor, { ...before, nextTier: null }, { ...after, nextTier: null });
    });
  }
}
