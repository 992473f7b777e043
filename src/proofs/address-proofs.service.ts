import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { LinkBase } from '../mail/link-base.service';
import { MailsService } from '../mail/mails.service';
import { TooManyAttempts } from '../passwords/passwords.errors';
import { SettingsService } from '../settings/settings.service';
import { type TokenPurpose } from './entities/one-time-token.entity';
import { MailAllowances } from './mail-allowances';
import { hashOneTimeToken, makeOneTimeToken } from './one-time-token';
import { TokenRefused } from './proofs.errors';
import { EMAIL_CHANGED, EMAIL_CHANGING, RESET_PASSWORD, VERIFY_EMAIL } from './proofs.mails';
import { ProofsRepository, type UnprovenAddress } from './proofs.repository';
import { ProofSettings } from './proofs.settings';

const HOUR = 3_600;
/** Of each purpose: what is mailed, where its link leads below `mail.linkBase`, and for how many seconds it works. */
const PURPOSES = {
  'verify-email': { template: VERIFY_EMAIL, path: '/verify-email', lifetimeSeconds: 24 * HOUR },
  'reset-password': { template: RESET_PASSWORD, path: '/reset-password', lifetimeSeconds: HOUR },
} as const;

/** An account, for whom its address is at stake. */
export interface AddressHolder {
  id: number;
  email: string;
}

/**
 * Proofs that somebody reads the mailbox of their account's address. Always true: a token works once, for what and for the address it was
 * mailed for, until it expires by the database's clock; a proof counts for the address that was proven and no other.
 */
@Injectable()
export class AddressProofsService {
  constructor(
    private readonly repository: ProofsRepository,
    private readonly mails: MailsService,
    private readonly settings: SettingsService,
    private readonly linkBase: LinkBase,
    private readonly allowances: MailAllowances,
  ) {}

  /** Whether anybody is asked to prove an address. */
  get wanted(): boolean {
    return this.settings.get(ProofSettings.emailVerification) !== 'off';
  }

  /** A participant: mails a link that works once. The token is in the fragment, which no server on the way gets to log. */
  async mailLink(tx: EntityManager, purpose: keyof typeof PURPOSES, userId: number, email: string): Promise<void> {
    const { template, path, lifetimeSeconds } = PURPOSES[purpose];
    const token = makeOneTimeToken();
    await this.repository.addToken(tx, { tokenHash: hashOneTimeToken(token) as Buffer, userId, purpose, email, lifetimeSeconds });
    const link = `${this.linkBase.value}${path}#token=${token}`;
    await this.mails.enqueue(tx, { template, to: email, params: { link }, userId, expiresInSeconds: lifetimeSeconds });
  }

  /** Counts a mail that the holder of an account has sent to an address of their choice. @throws TooManyAttempts */
  count(userId: number, email: string): void {
    const waitMs = this.allowances.holder(userId, email);
    if (waitMs > 0) throw new TooManyAttempts(Math.ceil(waitMs / 1_000));
  }

  /** A participant: the account is to get another address once that is proven; the present one is mailed a warning. */
  async pend(tx: EntityManager, { id, email }: AddressHolder, next: string): Promise<void> {
    await this.repository.setPending(tx, id, next);
    await this.mailLink(tx, 'verify-email', id, next);
    await this.mails.enqueue(tx, { template: EMAIL_CHANGING, to: email, params: { newEmail: next }, userId: id });
  }

  /** A participant: the account has another address as of now. */
  async changed(tx: EntityManager, { id, email }: AddressHolder, next: string): Promise<void> {
    await this.repository.setPending(tx, id, null);
    await this.mails.enqueue(tx, { template: EMAIL_CHANGED, to: email, params: { newEmail: next }, userId: id });
    if (this.wanted) await this.mailLink(tx, 'verify-email', id, next);
  }

  /** A participant: an identity provider has proven the address of a new account. */
  async vouchedFor(tx: EntityManager, userId: number, email: string): Promise<void> {
    await this.repository.setProven(tx, userId, email);
  }

  /** A participant: the change that waits, if there is one, is not wanted any more. */
  async forgetPending(tx: EntityManager, userId: number): Promise<void> {
    await this.repository.setPending(tx, userId, null);
  }

  /** A participant of a change of password: what was mailed before it ends, and so does a change of address that waits. */
  async forgetAll(tx: EntityManager, userId: number): Promise<void> {
    await this.repository.forgetAll(tx, userId);
  }

  addressOf(userId: number, tx?: EntityManager): Promise<UnprovenAddress | null> {
    return this.repository.addressOf(userId, tx);
  }

  /** Whose token it is; it is not used up. @throws TokenRefused */
  async holderOf(token: string, purpose: TokenPurpose): Promise<number> {
    const hash = hashOneTimeToken(token);
    const userId = hash && (await this.repository.holderOf(hash, purpose));
    if (userId === null) throw new TokenRefused();
    return userId;
  }

  /** A participant that holds the account's row: uses the token up, and returns where it was mailed to. @throws TokenRefused */
  async use(tx: EntityManager, token: string, purpose: TokenPurpose): Promise<string> {
    const hash = hashOneTimeToken(token);
    const email = hash && (await this.repository.useToken(tx, hash, purpose));
    if (email === null) throw new TokenRefused();
    return email;
  }

  /** Forgets tokens that expired, in batches; returns how many. */
  async removeExpired(stop?: AbortSignal): Promise<number> {
    for (let sum = 0; ;) {
      const removed = await this.repository.removeExpired();
      sum += removed;
      if (removed === 0 || stop?.aborted) return sum;
    }
  }
}
