import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Not, Repository } from 'typeorm';
import { type ClientDevice } from '../common/client-device';
import { type Actor, type Principal } from '../common/principal';
import { Transactions } from '../database/transactions';
import { NotFoundProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { PasswordsService } from '../passwords/passwords.service';
import { MailsService } from '../mail/mails.service';
import { AddressProofsService } from '../proofs/address-proofs.service';
import { PASSWORD_CHANGED } from '../proofs/proofs.mails';
import { SecondFactorsService } from '../second-factors/second-factors.service';
import { SettingsService } from '../settings/settings.service';
import { CredentialsDto } from '../users/dto/credentials.dto';
import { UserDto } from '../users/dto/user.dto';
import { User } from '../users/entities/user.entity';
import { WrongPassword } from '../users/users.errors';
import { type LoginAccount } from '../users/users.repository';
import { UsersService } from '../users/users.service';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from './access-tokens';
import { LoginRefused, RegistrationClosed } from './auth.errors';
import { AuthSettings } from './auth.settings';
import { ChangePasswordDto } from './dto/change-password.dto';
import { LoginDto } from './dto/login.dto';
import { TokensDto } from './dto/tokens.dto';
import { type OngoingSession, SessionsService, type VersionedUser } from './sessions.service';

/** Tokens as they are made, before anybody decides where the refresh token goes. */
export type BegunTokens = TokensDto & { refreshToken: string };

/**
 * Registration and sessions. Always true: an answer does not show whether an address has an account, and a changed
 * password or a suspension ends every session, at the next request.
 */
@Injectable()
export class AuthService {
  constructor(
    @InjectRepository(User) private readonly accounts: Repository<User>,
    private readonly users: UsersService,
    private readonly settings: SettingsService,
    private readonly tokens: AccessTokens,
    private readonly sessions: SessionsService,
    private readonly passwords: PasswordsService,
    private readonly factors: SecondFactorsService,
    private readonly proofs: AddressProofsService,
    private readonly mails: MailsService,
    private readonly transactions: Transactions,
  ) {}

  /** @throws RegistrationClosed, TooManyAttempts, EmailTaken, ValidationProblem */
  async register({ email, password }: CredentialsDto, network: string, call: IdempotentCall | null = null): Promise<UserDto> {
    if (this.settings.get(AuthSettings.registration) === 'closed') throw new RegistrationClosed();
    await this.passwords.countRegistration(network, email);
    return this.users.create(null, { email, password }, call, network);
  }

  /**
   * Does the same for every address: one statement and one hash, whether it has an account, which may be suspended, or none.
   * @throws LoginRefused, TotpRequired, CodeRefused, TooManyAttempts, HashingBusy
   */
  async login({ email, password, code }: LoginDto, network: string, device: ClientDevice): Promise<BegunTokens> {
    let account: LoginAccount | null = null;
    const right = await this.passwords.prove({ account: email, network }, password, async () => {
      account = await this.users.accountBehind(email);
      return account?.status === 'active' ? account.passwordHash : null;
    });
    if (!right || account === null) throw new LoginRefused();
    const { id: userId } = account as LoginAccount;
    await this.factors.assertPassed({ userId, network }, code);
    await this.renewHash(account, password);
    const session = await this.sessions.begin(account, device);
    if (session === null) throw new LoginRefused();
    return this.tokensFor(account, session);
  }

  /** Begins a session for somebody whom an identity provider has proven; null: the account is not active. */
  async beginSession(userId: number, device: ClientDevice): Promise<BegunTokens | null> {
    const owner = await this.users.sessionOwner(userId);
    const session = owner && (await this.sessions.begin(owner, device));
    return owner && session ? this.tokensFor(owner, session) : null;
  }

  /**
   * @param isShared several pages may come with the same token at once, as those of one browser do
   * @throws RefreshRefused
   */
  async refresh(token: string, device: ClientDevice, isShared = false): Promise<BegunTokens> {
    const { user, session } = await this.sessions.rotate(token, device, isShared);
    return this.tokensFor(user, session);
  }

  async logout(token: string): Promise<void> {
    await this.sessions.end(token);
  }

  /** @throws WrongPassword unless an administrator changes somebody else's; ValidationProblem, NotFoundProblem, TooManyAttempts, HashingBusy */
  async changePassword(principal: Principal, actor: Actor, userId: number, dto: ChangePasswordDto, network: string): Promise<void> {
    this.users.assertPassword(dto.newPassword, '#/newPassword');
    const trusted = principal.isAdmin && principal.userId !== userId;
    const proved = trusted ? null : await this.users.assertOwner(userId, dto.currentPassword, network);
    const where = { id: userId, status: Not('deleted' as const) };
    if (trusted && !(await this.accounts.existsBy(where))) throw new NotFoundProblem('user');
    const passwordHash = await this.passwords.hash(`user ${principal.userId}`, dto.newPassword);
    await this.transactions.run(async (tx) => {
      // Only over the password that was proved: of two changes at once, the later one must prove the earlier one's.
      const guard = proved === null ? where : { ...where, passwordHash: proved };
      if (!(await this.users.setPassword(tx, guard, passwordHash))) throw trusted ? new NotFoundProblem('user') : new WrongPassword();
      await this.sessions.endAll(tx, userId);
      await this.proofs.forgetAll(tx, userId);
      const { email } = await this.users.get(userId, tx);
      await this.mails.enqueue(tx, { template: PASSWORD_CHANGED, to: email, params: {}, userId });
      await this.users.recordPassword(tx, actor, userId);
    });
  }

  private async renewHash({ id, passwordHash: old }: LoginAccount, password: string): Promise<void> {
    if (!this.passwords.needsRehash(old)) return;
    await this.accounts.update({ id, passwordHash: old }, { passwordHash: await this.passwords.hash(`user ${id}`, password) });
  }

  private tokensFor({ id: userId, tokenVersion: version }: VersionedUser, { id: sessionId, refreshToken }: OngoingSession): BegunTokens {
    const accessToken = this.tokens.issue({ userId, version, sessionId });
    return { accessToken, tokenType: 'Bearer', expiresIn: ACCESS_TOKEN_SECONDS, refreshToken };
  }
}
