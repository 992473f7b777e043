import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Principal } from '../common/principal';
import { type AddressHolder, AddressProofsService } from '../proofs/address-proofs.service';
import { EmailTaken } from './users.errors';
import { UsersRepository } from './users.repository';

/**
 * What becomes of an account whose address is to be another one. While the setting `auth.emailVerification` is not `off`, whoever changes their
 * own waits until they proved the new one; an administrator's change of somebody else's counts at once, unproven.
 */
@Injectable()
export class EmailChangeService {
  constructor(
    private readonly repository: UsersRepository,
    private readonly proofs: AddressProofsService,
  ) {}

  /** Counts the mail that a change comes with, before anything is written. @throws TooManyAttempts */
  count({ isAdmin }: Principal, id: number, email: string): void {
    if (!isAdmin && this.proofs.wanted) this.proofs.count(id, email);
  }

  /**
   * A participant that holds the account's row.
   * @param own whether the account's holder asks for it
   * @returns true: the account's address is the new one now; false: it waits
   * @throws EmailTaken
   */
  async apply(tx: EntityManager, account: AddressHolder, next: string, own: boolean): Promise<boolean> {
    if (account.email.toLowerCase() === next.toLowerCase()) {
      await this.proofs.forgetPending(tx, account.id);
      return true;
    }
    if (!own || !this.proofs.wanted) {
      await this.proofs.changed(tx, account, next);
      return true;
    }
    if ((await this.repository.idByEmail(next, tx)) !== null) throw new EmailTaken();
    await this.proofs.pend(tx, account, next);
    return false;
  }
}
