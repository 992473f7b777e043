import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Not, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { hashPassword, needsRehash, verifyPassword } from '../common/passwords';
import { type Actor, type Principal } from '../common/principal';
import { NotFoundProblem } from '../common/problem';
import { SettingsService } from '../configurations/settings.service';
import { Transactions } from '../database/transactions';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { CredentialsDto } from '../users/dto/credentials.dto';
import { UserDto } from '../users/dto/user.dto';
import { User } from '../users/entities/user.entity';
import { WrongPassword } from '../users/users.errors';
import { UsersService } from '../users/users.service';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from './access-tokens';
import { Attempts } from './attempts';
import { LoginRefused, RegistrationClosed } from './auth.errors';
import { AuthSettings } from './auth.settings';
import { ChangePasswordDto } from './dto/change-password.dto';
import { TokensDto } from './dto/tokens.dto';
import { type OngoingSession, SessionsService, type VersionedUser } from './sessions.service';

/**
 * Registration and sessions. Always true: an answer does not tell whether an address has an account, and a changed
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
    private readonly attempts: Attempts,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** @throws RegistrationClosed, TooManyAttempts, EmailTaken, ValidationProblem */
  async register({ email, password }: CredentialsDto, address: string, call: IdempotentCall | null = null): Promise<UserDto> {
    if (this.settings.get(AuthSettings.registration) === 'closed') throw new RegistrationClosed();
    await this.attempts.assertRegistration(address);
    return this.users.create(null, { email, password }, call);
  }

  /** @throws LoginRefused, TooManyAttempts */
  async login({ email, password }: CredentialsDto, address: string): Promise<TokensDto> {
    const user = await this.attempts.login(email, address, async () => {
      const found = await this.users.findByEmail(email);
      const right = await verifyPassword(found?.passwordHash ?? null, password);
      return right && found?.status === 'active' ? found : null;
    });
    if (user === null) throw new LoginRefused();
    if (needsRehash(user.passwordHash)) {
      const { id, passwordHash: old } = user;
      await this.accounts.update({ id, passwordHash: old }, { passwordHash: await hashPassword(password) });
    }
    const session = await this.sessions.begin(user);
    if (session === null) throw new LoginRefused();
    return this.tokensFor(user, session);
  }

  /** @throws RefreshRefused */
  async refresh(token: string): Promise<TokensDto> {
    const { user, session } = await this.sessions.rotate(token);
    return this.tokensFor(user, session);
  }

  async logout(token: string): Promise<void> {
    await this.sessions.end(token);
  }

  /** @throws WrongPassword unless an administrator changes somebody else's; ValidationProblem, NotFoundProblem */
  async changePassword(principal: Principal, actor: Actor, userId: number, dto: ChangePasswordDto): Promise<void> {
    this.users.assertPassword(dto.newPassword, '#/newPassword');
    const user = await this.accounts.findOneBy({ id: userId, status: Not('deleted' as const) });
    if (user === null) throw new NotFoundProblem('user');
    const trusted = principal.isAdmin && principal.userId !== userId;
    if (!trusted && !(await verifyPassword(user.passwordHash, dto.currentPassword ?? ''))) throw new WrongPassword();
    const passwordHash = await hashPassword(dto.newPassword);
    await this.transactions.run(async (tx) => {
      // Only over the password that was proved: of two changes at once, the later one must prove the earlier one's.
      const guard = trusted ? { id: userId } : { id: userId, passwordHash: user.passwordHash };
      const { affected } = await tx.update(User, guard, {
        passwordHash,
        tokenVersion: () => 'token_version + 1',
        updatedAt: () => 'now()',
      });
      if (affected === 0) throw new WrongPassword();
      await this.sessions.endAll(tx, userId);
      await this.audit.record(tx, actor, { action: 'user.password', target: ['user', userId] });
    });
  }

  private tokensFor({ id: userId, tokenVersion: version }: VersionedUser, { id: sessionId, refreshToken }: OngoingSession): TokensDto {
    const accessToken = this.tokens.issue({ userId, version, sessionId });
    return { accessToken, tokenType: 'Bearer', expiresIn: ACCESS_TOKEN_SECONDS, refreshToken };
  }
}
