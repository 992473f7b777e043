import { Body, Controller, Get, HttpCode, HttpStatus, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CrossSiteRefused } from '../auth/auth.errors';
import { TokensDto } from '../auth/dto/tokens.dto';
import { SessionCookie } from '../auth/session-cookie';
import { BoundedOtherwise, Public } from '../common/access.decorators';
import { type ClientDevice, CurrentDevice } from '../common/client-device';
import { ClientNetwork } from '../common/network-address';
import { NotFoundProblem, Problem } from '../http/problem';
import { declares, Fails } from '../openapi/declarations';
import { TooManyAttempts } from '../passwords/passwords.errors';
import { CodeRefused } from '../second-factors/second-factors.errors';
import { LastAdmin } from '../users/users.errors';
import { BeginQuery } from './dto/begin-query.dto';
import { CallbackQuery } from './dto/callback-query.dto';
import { LoginCodeDto } from './dto/login-code.dto';
import { ProvidersDto } from './dto/provider.dto';
import { IdentityLinksService } from './identity-links.service';
import { ProvidersService } from './providers.service';
import { CodeAwaited, IdentityRefused, LoginNotCompleted, TooManyIdentities } from './single-sign-on.errors';
import { SingleSignOnService } from './single-sign-on.service';

@ApiTags('auth')
@Controller('v1/auth')
export class SingleSignOnController {
  constructor(
    private readonly providers: ProvidersService,
    private readonly logins: SingleSignOnService,
    private readonly links: IdentityLinksService,
    private readonly cookie: SessionCookie,
  ) {}

  /** The identity providers by which people may log in. */
  @Get('providers')
  @Public()
  list(): ProvidersDto {
    return { items: this.providers.all.map(({ id, name }) => ({ id, name })) };
  }

  /** Begins a login: leads the browser to the provider, with a cookie that only the way back is given. */
  @Get('oidc/:provider')
  @Public()
  @Fails(NotFoundProblem)
  @ApiResponse({ status: HttpStatus.FOUND, description: 'To the provider.' })
  @declares({ answers: { status: HttpStatus.FOUND, fields: ['Location', 'Set-Cookie'] } })
  async begin(@Param('provider') id: string, @Query() { returnTo }: BeginQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { location, cookie } = await this.logins.begin(id, request, returnTo);
    void reply.status(HttpStatus.FOUND).headers({ location, 'set-cookie': cookie }).send();
  }

  /**
   * The way back from the provider: begins a session. The answer is its tokens, or where `returnTo` led, with the refresh token in a cookie. An account with a
   * second factor is asked for its code first: 401 `code-awaited`, or `#problem=code-awaited&provider=<id>`. Where an identity was to be linked, it begins none and
   * leads to `returnTo` with `#link=<provider>`.
   */
  @Get('oidc/:provider/callback')
  @Public()
  @Fails(NotFoundProblem, LoginNotCompleted, IdentityRefused, LastAdmin, CodeAwaited, TooManyIdentities)
  @ApiOkResponse({ type: TokensDto })
  @ApiResponse({ status: HttpStatus.SEE_OTHER, description: 'To the page that began the login.' })
  @declares({ answers: { status: HttpStatus.OK, fields: ['Set-Cookie'] } })
  @declares({ answers: { status: HttpStatus.SEE_OTHER, fields: ['Location', 'Set-Cookie?'] } })
  async callback(
    @Param('provider') id: string,
    @Query() _query: CallbackQuery,
    @Req() request: FastifyRequest,
    @CurrentDevice() device: ClientDevice,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensDto | undefined> {
    const linksFor = this.links.returnTo(id, request);
    const returnTo = linksFor ?? this.logins.returnTo(id, request);
    const lead = (location: string) => void reply.status(HttpStatus.SEE_OTHER).header('location', location);
    try {
      if (linksFor !== null) {
        void reply.header('set-cookie', await this.links.comeBack(id, request));
        return lead(withFragment(linksFor, `link=${id}`));
      }
      const tokens = await this.logins.complete(id, request, device);
      void reply.header('set-cookie', this.logins.endOf(id, request));
      if (returnTo === null) return tokens;
      this.cookie.keep(request, reply, tokens);
      lead(returnTo);
    } catch (error) {
      if (returnTo === null || !(error instanceof Problem)) throw error;
      const asked = error instanceof CodeAwaited ? `&provider=${error.provider}` : '';
      if (error instanceof CodeAwaited) void reply.header('set-cookie', error.cookie);
      lead(withFragment(returnTo, `problem=${error.code}${asked}`));
    }
    return undefined;
  }

  /**
   * Ends a login by a provider whose account has a second factor, in the browser in which it began and within ten minutes. Where it began with `returnTo`, the
   * refresh token stays in a cookie, for pages of this service alone.
   */
  @Post('oidc/:provider/code')
  @BoundedOtherwise()
  @Public()
  @HttpCode(200)
  @Fails(NotFoundProblem, LoginNotCompleted, IdentityRefused, CodeRefused, TooManyAttempts, CrossSiteRefused)
  @declares({ answers: { status: HttpStatus.OK, fields: ['Set-Cookie'] } })
  async code(
    @Param('provider') id: string,
    @Body() { code }: LoginCodeDto,
    @Req() request: FastifyRequest,
    @ClientNetwork() network: string,
    @CurrentDevice() device: ClientDevice,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensDto> {
    const isOfPage = this.logins.isOfPage(id, request);
    if (isOfPage) this.cookie.assertOwnPage(request);
    const tokens = await this.logins.completeByCode(id, request, code, network, device);
    void reply.header('set-cookie', this.logins.endOf(id, request));
    return isOfPage ? this.cookie.keep(request, reply, tokens) : tokens;
  }
}

function withFragment(path: string, fragment: string): string {
  return `${path.replace(/#.*$/, '')}#${fragment}`;
}
