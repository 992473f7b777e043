import { Body, Controller, HttpCode, Post, Put, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { AccountOwner, CurrentActor, CurrentPrincipal, BoundedOtherwise, Public } from '../common/access.decorators';
import { type ClientDevice, CurrentDevice } from '../common/client-device';
import { ClientNetwork } from '../common/network-address';
import { type Actor, type Principal } from '../common/principal';
import { etagOf } from '../http/etag';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { CodeRefused, TotpRequired } from '../second-factors/second-factors.errors';
import { CredentialsDto } from '../users/dto/credentials.dto';
import { UserDto } from '../users/dto/user.dto';
import { EmailTaken, WrongPassword } from '../users/users.errors';
import { LoginRefused, RefreshRefused, RegistrationClosed } from './auth.errors';
import { AuthService } from './auth.service';
import { ChangePasswordDto } from './dto/change-password.dto';
import { LoginDto } from './dto/login.dto';
import { RefreshDto } from './dto/refresh.dto';
import { TokensDto } from './dto/tokens.dto';

/** What the header of an answer with a new account bears. */
const made = (user: UserDto) => ({ etag: etagOf(user), location: `/v1/users/${user.id}` });

@ApiTags('auth')
@Controller('v1')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  /** Makes an account on the plan that the setting `users.defaultTier` names, while the setting `auth.registration` is `open`. */
  @Post('auth/register')
  @BoundedOtherwise()
  @Public()
  @Creates(UserDto, { etag: true })
  @Fails(RegistrationClosed, EmailTaken, TooManyAttempts, HashingBusy)
  async register(
    @Body() dto: CredentialsDto,
    @ClientNetwork() network: string,
    @MaybeRetried('auth.register', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserDto> {
    const user = await this.auth.register(dto, network, call);
    void reply.headers(made(user));
    return user;
  }

  /** Begins a session. An account with a second factor takes its code as well: 401 `totp-required` without. */
  @Post('auth/login')
  @BoundedOtherwise()
  @Public()
  @Fails(LoginRefused, TotpRequired, CodeRefused, TooManyAttempts, HashingBusy)
  @HttpCode(200)
  login(@Body() dto: LoginDto, @ClientNetwork() network: string, @CurrentDevice() device: ClientDevice): Promise<TokensDto> {
    return this.auth.login(dto, network, device);
  }

  /** Trades a refresh token for new tokens. A second use of one ends its whole session. */
  @Post('auth/refresh')
  @Public()
  @Fails(RefreshRefused)
  @HttpCode(200)
  refresh(@Body() { refreshToken }: RefreshDto, @CurrentDevice() device: ClientDevice): Promise<TokensDto> {
    return this.auth.refresh(refreshToken, device);
  }

  /** Ends the session that the refresh token belongs to; its access tokens stop within a second. */
  @Post('auth/logout')
  @Public()
  @HttpCode(204)
  async logout(@Body() { refreshToken }: RefreshDto): Promise<void> {
    await this.auth.logout(refreshToken);
  }

  /** Changes a password and ends all sessions of its user. */
  @Put('users/:userId/password')
  @UserIdParam()
  @AccountOwner()
  @HttpCode(204)
  @Fails(NotFoundProblem, WrongPassword, TooManyAttempts, HashingBusy)
  async changePassword(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Body() dto: ChangePasswordDto,
    @ClientNetwork() network: string,
  ): Promise<void> {
    await this.auth.changePassword(principal, actor, userId, dto, network);
  }
}
