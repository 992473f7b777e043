import { Injectable } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { NotFoundProblem } from '../http/problem';
import { MailSettings } from '../mail/mail.settings';
import { MailsService } from '../mail/mails.service';
import { Allowance } from '../passwords/allowance';
import { TooManyAttempts } from '../passwords/passwords.errors';
import { PasswordsService } from '../passwords/passwords.service';
import { defineSealedColumn, sealName } from '../settings/sealed-column';
import { SecretBox } from '../settings/secret-box';
import { SettingsService } from '../settings/settings.service';
import { UsersService } from '../users/users.service';
import { hashRecoveryCode, isTotpCode, makeRecoveryCodes, makeSecret, stepOf, uriOf } from './codes';
import { CodeRefused, TotpEnabled, TotpNotBegun, TotpRequired } from './second-factors.errors';
import { RECOVERY_CODE_USED, TOTP_ENABLED, TOTP_REMOVED } from './second-factors.mails';
import { SecondFactorsRepository, type StoredFactor } from './second-factors.repository';

const PASSED_MAX = 20_000;

const TOTP_SECRET = defineSealedColumn({ table: 'second_factors', id: 'user_id', idType: 'integer', column: 'secret' });

/** A caller who has shown the password already. */
export interface Claimant {
  userId: number;
  network: string;
}

/**
 * Authenticator apps (RFC 6238) and recovery codes. Always true: a code works once, by a guarded statement, and by the database's clock; what
 * is stored opens nothing by itself; and guessing codes is slow from wherever it comes, while a recovery code, which nobody guesses, always works.
 */
@Injectable()
export class SecondFactorsService {
  /** Wrong codes of an account, from wherever: whoever makes them has its password. */
  private readonly wrongCodes = new Allowance({ burst: 30, everyMs: 300_000 });
  /** Where an account's codes were right before: what others guess elsewhere does not bar its owner there. */
  private readonly passed = new BoundedCache<string, true>(PASSED_MAX);

  constructor(
    private readonly repository: SecondFactorsRepository,
    private readonly users: UsersService,
    private readonly passwords: PasswordsService,
    private readonly secrets: SecretBox,
    private readonly mails: MailsService,
    private readonly settings: SettingsService,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** Makes a secret for an app, which counts once a code of it is confirmed. @throws TotpEnabled */
  async begin(userId: number): Promise<{ secret: string; uri: string }> {
    const { email } = await this.users.get(userId);
    const secret = makeSecret();
    const sealed = this.secrets.seal(sealName(TOTP_SECRET, userId), secret);
    if (!(await this.transactions.run((tx) => this.repository.begin(tx, userId, sealed)))) throw new TotpEnabled();
    return { secret, uri: uriOf(secret, this.settings.get(MailSettings.productName), email) };
  }

  /** @returns the recovery codes, which are shown once. @throws TotpNotBegun, TotpEnabled, CodeRefused, TooManyAttempts */
  async confirm(actor: Actor, claimant: Claimant, code: string): Promise<string[]> {
    const { userId } = claimant;
    const factor = await this.repository.find(userId);
    if (factor === null) throw new TotpNotBegun();
    if (factor.confirmed) throw new TotpEnabled();
    let step: number | null = null;
    const right = await this.attempt(claimant, () => Promise.resolve((step = this.stepOf(userId, factor, code)) !== null));
    if (!right || step === null) throw new CodeRefused();
    const confirmed = step;
    const codes = makeRecoveryCodes();
    await this.transactions.run(async (tx) => {
      if (!(await this.repository.confirm(tx, userId, factor.secret, confirmed))) throw new CodeRefused();
      await this.repository.putRecoveryCodes(
        tx,
        userId,
        codes.map((one) => hashRecoveryCode(one) as Buffer),
      );
      const { email } = await this.users.get(userId, tx);
      await this.mails.enqueue(tx, { template: TOTP_ENABLED, to: email, params: {}, userId });
      await this.audit.record(tx, actor, { action: 'user.totp-enable', target: ['user', userId] });
    });
    return codes;
  }

  /** Whether a login of the account takes a code. */
  async isEnrolled(userId: number): Promise<boolean> {
    return (await this.repository.find(userId))?.confirmed === true;
  }

  /** Holds somebody who logs in to their second factor, if they have one. @throws TotpRequired, CodeRefused, TooManyAttempts */
  async assertPassed(claimant: Claimant, code: string | undefined): Promise<void> {
    const { userId } = claimant;
    const factor = await this.repository.find(userId);
    if (factor === null || !factor.confirmed) return;
    if (code === undefined) throw new TotpRequired();
    if (!isTotpCode(code)) return this.useRecoveryCode(claimant, code);
    if (!(await this.attempt(claimant, () => this.useCode(userId, factor, code)))) throw new CodeRefused();
  }

  /** @returns false: there is none. @throws NotFoundProblem */
  async remove(actor: Actor, userId: number): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const { email } = await this.users.get(userId, tx);
      if (!(await this.repository.remove(tx, userId))) return false;
      await this.mails.enqueue(tx, { template: TOTP_REMOVED, to: email, params: {}, userId });
      await this.audit.record(tx, actor, { action: 'user.totp-remove', target: ['user', userId] });
      return true;
    });
  }

  /** For somebody who lost their device and their recovery codes. @returns false: there is none. @throws NotFoundProblem */
  async removeByEmail(actor: Actor, email: string): Promise<boolean> {
    const account = await this.users.accountBehind(email);
    if (account === null) throw new NotFoundProblem('user');
    return this.remove(actor, account.id);
  }

  private stepOf(userId: number, { secret, now }: StoredFactor, code: string): number | null {
    const opened = this.secrets.open(sealName(TOTP_SECRET, userId), secret);
    return typeof opened === 'string' && isTotpCode(code) ? stepOf(opened, code, now) : null;
  }

  private async useCode(userId: number, factor: StoredFactor, code: string): Promise<boolean> {
    const step = this.stepOf(userId, factor, code);
    return step !== null && this.repository.useStep(userId, step);
  }

  private async useRecoveryCode({ userId }: Claimant, code: string): Promise<void> {
    const hash = hashRecoveryCode(code);
    const used = await this.transactions.run(async (tx) => {
      const found = hash && (await this.repository.useRecoveryCode(tx, userId, hash));
      if (found) await this.mails.enqueue(tx, { template: RECOVERY_CODE_USED, to: found.email, params: { left: String(found.left) }, userId });
      return found !== null;
    });
    if (!used) throw new CodeRefused();
  }

  /** Counts before it tries, and gives back what was right. @throws TooManyAttempts */
  private async attempt({ userId, network }: Claimant, check: () => Promise<boolean>): Promise<boolean> {
    const [account, place] = [String(userId), `${userId} ${network}`];
    const known = this.passed.has(place);
    const waitMs = known ? 0 : this.wrongCodes.spend(account);
    if (waitMs > 0) throw new TooManyAttempts(Math.ceil(waitMs / 1_000));
    let failed = false;
    try {
      failed = !(await this.passwords.attempt({ account: `\0totp ${userId}`, network }, check));
    } finally {
      // What was not tried, or could not be decided, counts no more than what was right.
      if (!failed && !known) this.wrongCodes.giveBack(account);
    }
    if (!failed) this.passed.set(place, true);
    return !failed;
  }
}
