import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { SessionsService } from '../auth/sessions.service';
import { sqlState } from '../common/database-errors';
import { Transactions } from '../database/transactions';
import { MailsService } from '../mail/mails.service';
import { PasswordsService } from '../passwords/passwords.service';
import { Serial } from '../passwords/serial';
import { AddressProofsService } from '../proofs/address-proofs.service';
import { MailAllowances } from '../proofs/mail-allowances';
import { TokenRefused } from '../proofs/proofs.errors';
import { PASSWORD_CHANGED } from '../proofs/proofs.mails';
import { ProofsRepository } from '../proofs/proofs.repository';
import { UsersService } from '../users/users.service';
import { ResetPasswordDto } from './dto/reset-password.dto';

const WAITING_MAX = 1_000;

/**
 * Passwords that were forgotten. Always true: what is answered does not depend on whether there is an account, nor does when, because it is
 * answered before anybody looks; a reset takes effect in the transaction that uses its token up, and ends every session and token.
 */
@Injectable()
export class PasswordResetService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(PasswordResetService.name);
  private readonly serial = new Serial(WAITING_MAX);
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly users: UsersService,
    private readonly proofs: AddressProofsService,
    private readonly repository: ProofsRepository,
    private readonly allowances: MailAllowances,
    private readonly sessions: SessionsService,
    private readonly passwords: PasswordsService,
    private readonly mails: MailsService,
    private readonly transactions: Transactions,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.last;
  }

  /** Has a link mailed to the account's owner, if there is an account and it was not asked for too often; returns before that is known. */
  forgot(email: string, network: string, requestId: string): void {
    if (!this.allowances.stranger(network, email)) return;
    const work = this.serial.run('forgot', async () => {
      // A flood of addresses that nobody has leaves the owners behind the same network their mails.
      if (!(await this.mailTo(email))) this.allowances.giveBack(network);
    });
    if (work === null) this.logger.warn('too many forgotten passwords wait: one is left out');
    else
      this.last = work.catch((err: unknown) =>
        this.logger[sqlState(err) === undefined ? 'error' : 'warn']({ requestId, err }, 'a forgotten password was not seen to'),
      );
  }

  /**
   * Hashes only for a token that works.
   * @throws TokenRefused, ValidationProblem, TooManyAttempts, HashingBusy
   */
  async reset({ token, newPassword }: ResetPasswordDto, requestId: string): Promise<void> {
    this.users.assertPassword(newPassword, '#/newPassword');
    const userId = await this.proofs.holderOf(token, 'reset-password');
    // Whoever has the token is the owner, wherever they are: no flood of their network's stands before them.
    const passwordHash = await this.passwords.hash(`user ${userId}`, newPassword);
    await this.transactions.run(async (tx) => {
      if (!(await this.users.setPassword(tx, { id: userId, status: 'active' }, passwordHash))) throw new TokenRefused();
      const mailedTo = await this.proofs.use(tx, token, 'reset-password');
      const email = (await this.proofs.addressOf(userId, tx))?.email ?? '';
      await this.proofs.forgetAll(tx, userId);
      // Whoever has the token reads that mailbox.
      if (mailedTo.toLowerCase() === email.toLowerCase()) await this.repository.setProven(tx, userId, email);
      await this.sessions.endAll(tx, userId);
      await this.users.recordPassword(tx, { kind: 'user', id: userId, requestId }, userId);
      await this.mails.enqueue(tx, { template: PASSWORD_CHANGED, to: email, params: {}, userId });
    });
  }

  /** @returns whether there is an account that mail may be for */
  private async mailTo(typed: string): Promise<boolean> {
    const account = await this.users.accountBehind(typed);
    if (account?.status !== 'active') return false;
    await this.transactions.run(async (tx) => {
      const email = await this.repository.lockAddress(tx, account.id);
      // The address may be another one by now: mail goes to the one that was asked for, or nowhere.
      if (email?.toLowerCase() === typed.toLowerCase()) await this.proofs.mailLink(tx, 'reset-password', account.id, email);
    });
    return true;
  }
}
