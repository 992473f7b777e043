import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type ClientDevice } from '../common/client-device';
import { Transactions } from '../database/transactions';
import { PasswordsService } from '../passwords/passwords.service';
import { AddressProofsService } from '../proofs/address-proofs.service';
import { hashOneTimeToken, makeOneTimeToken } from '../proofs/one-time-token';
import { TokenRefused } from '../proofs/proofs.errors';
import { ProofsRepository } from '../proofs/proofs.repository';
import { SecondFactorsService } from '../second-factors/second-factors.service';
import { UsersService } from '../users/users.service';
import { AuthService, type BegunTokens } from './auth.service';
import { type SignInLinkDto } from './dto/sign-in-link.dto';
import { SessionsService } from './sessions.service';

const LIFETIME_SECONDS = 600;

/** Where a link is used. */
export interface LinkUse {
  network: string;
  device: ClientDevice;
  requestId: string;
}

/**
 * Links that sign somebody in, for whoever made the account and is to have no password to type. Always true: a link works once, within ten minutes by the
 * database's clock, and what is stored of it opens nothing.
 */
@Injectable()
export class SignInLinksService {
  constructor(
    private readonly auth: AuthService,
    private readonly users: UsersService,
    private readonly sessions: SessionsService,
    private readonly proofs: AddressProofsService,
    private readonly repository: ProofsRepository,
    private readonly factors: SecondFactorsService,
    private readonly passwords: PasswordsService,
    private readonly transactions: Transactions,
  ) {}

  /** The token of a new link of the account. */
  async make({ id: userId, email }: { id: number; email: string }): Promise<string> {
    const token = makeOneTimeToken();
    const kept = { tokenHash: hashOneTimeToken(token) as Buffer, userId, purpose: 'sign-in' as const, email, lifetimeSeconds: LIFETIME_SECONDS };
    await this.transactions.run((tx) => this.repository.addToken(tx, kept));
    return token;
  }

  /**
   * Uses the link up, and begins a session; with a new password all others end. Hashes only for a token that works.
   * @throws TokenRefused, ValidationProblem, TotpRequired, CodeRefused, TooManyAttempts, HashingBusy
   */
  async use({ token, newPassword, code }: SignInLinkDto, { network, device, requestId }: LinkUse): Promise<BegunTokens> {
    if (newPassword !== undefined) this.users.assertPassword(newPassword, '#/newPassword');
    const userId = await this.proofs.holderOf(token, 'sign-in');
    await this.factors.assertPassed({ userId, network }, code);
    const passwordHash = newPassword === undefined ? null : await this.passwords.hash(`user ${userId}`, newPassword);
    await this.transactions.run(async (tx) => {
      // The account's row first, then its token.
      const isThere = passwordHash === null ? (await this.repository.lockAddress(tx, userId)) !== null : await this.setPassword(tx, userId, passwordHash);
      if (!isThere) throw new TokenRefused();
      await this.proofs.use(tx, token, 'sign-in');
      if (passwordHash === null) return;
      await this.proofs.forgetAll(tx, userId);
      await this.sessions.endAll(tx, userId);
      await this.users.recordPassword(tx, { kind: 'user', id: userId, requestId }, userId);
    });
    const tokens = await this.auth.beginSession(userId, device);
    if (tokens === null) throw new TokenRefused();
    return tokens;
  }

  private setPassword(tx: EntityManager, userId: number, passwordHash: string): Promise<boolean> {
    return this.users.setPassword(tx, { id: userId, status: 'active' }, passwordHash);
  }
}
