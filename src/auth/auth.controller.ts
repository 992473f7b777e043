import { Body, Controller, HttpCode, Post, Put, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { AccountOwner, CurrentActor, CurrentPrincipal, BoundedOtherwise, Public } from '../common/access.decorators';
import { type ClientDevice, CurrentDevice } from '../common/client-device';
import { ClientNetwork } from '../common/network-address';
import { type Actor, type Principal } from '../common/principal';
import { etagOf } from '../http/etag';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, declares, Fails } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { CodeRefused, TotpRequired } from '../second-factors/second-factors.errors';
import { CredentialsDto } from '../users/dto/credentials.dto';
import { UserDto } from '../users/dto/user.dto';
import { EmailTaken, WrongPassword } from '../users/users.errors';
import { CrossSiteRefused, LoginRefused, RefreshRefused, RegistrationClosed } from './auth.errors';
import { AuthService } from './auth.service';
import { ChangePasswordDto } from './dto/change-password.dto';
import { LoginDto } from './dto/login.dto';
import { RefreshDto } from './dto/refresh.dto';
import { TokensDto } from './dto/tokens.dto';
import { SessionCookie } from './session-cookie';

/** What the header of an answer with a new account bears. */
const made = (user: UserDto) => ({ etag: etagOf(user), location: `/v1/users/${user.id}` });

@ApiTags('auth')
@Controller('v1')
export class AuthController {
  constructor(
    private readonly auth: AuthService,
    private readonly cookie: SessionCookie,
  ) {}

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

  /**
   * Begins a session. An account with a second factor takes its code as well: 401 `totp-required` without. With `cookie` the refresh token
   * stays in a cookie (`HttpOnly`, `SameSite=Strict`), for pages of this service alone.
   */
  @Post('auth/login')
  @BoundedOtherwise()
  @Public()
  @Fails(LoginRefused, TotpRequired, CodeRefused, TooManyAttempts, HashingBusy, CrossSiteRefused)
  @declares({ answers: { status: 200, fields: ['Set-Cookie?'] } })
  @HttpCode(200)
  async login(
    @Body() dto: LoginDto,
    @ClientNetwork() network: string,
    @CurrentDevice() device: ClientDevice,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensDto> {
    if (dto.cookie === true) this.cookie.assertOwnPage(request);
    const tokens = await this.auth.login(dto, network, device);
    return dto.cookie === true ? this.cookie.keep(request, reply, tokens) : tokens;
  }

  /**
   * Trades a refresh token for new tokens. A second use of one ends its whole session; where it comes in the session's cookie, tabs of a browser may do so at
   * once, and those within ten seconds get the same.
   */
  @Post('auth/refresh')
  @Public()
  @Fails(RefreshRefused, CrossSiteRefused)
  @declares({ answers: { status: 200, fields: ['Set-Cookie?'] } })
  @HttpCode(200)
  async refresh(
    @Body() { refreshToken }: RefreshDto,
    @CurrentDevice() device: ClientDevice,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensDto> {
    if (refreshToken !== undefined) return this.auth.refresh(refreshToken, device);
    const token = this.cookie.tokenOf(request);
    if (token === null) throw new RefreshRefused();
    return this.cookie.keep(request, reply, await this.auth.refresh(token, device, true));
  }

  /** Ends the session that the refresh token, or the one in the session's cookie, belongs to; its access tokens stop within a second. */
  @Post('auth/logout')
  @Public()
  @Fails(CrossSiteRefused)
  @declares({ answers: { status: 204, fields: ['Set-Cookie?'] } })
  @HttpCode(204)
  async logout(@Body() { refreshToken }: RefreshDto, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    if (refreshToken !== undefined) return this.auth.logout(refreshToken);
    const token = this.cookie.tokenOf(request);
    if (token !== null) await this.auth.logout(token);
    this.cookie.forget(request, reply);
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
