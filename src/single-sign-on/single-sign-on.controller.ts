import { Controller, Get, HttpStatus, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { TokensDto } from '../auth/dto/tokens.dto';
import { SessionCookie } from '../auth/session-cookie';
import { Public } from '../common/access.decorators';
import { type ClientDevice, CurrentDevice } from '../common/client-device';
import { NotFoundProblem, Problem } from '../http/problem';
import { declares, Fails } from '../openapi/declarations';
import { LastAdmin } from '../users/users.errors';
import { BeginQuery } from './dto/begin-query.dto';
import { CallbackQuery } from './dto/callback-query.dto';
import { ProvidersDto } from './dto/provider.dto';
import { ProvidersService } from './providers.service';
import { IdentityRefused, LoginNotCompleted } from './single-sign-on.errors';
import { SingleSignOnService } from './single-sign-on.service';

@ApiTags('auth')
@Controller('v1/auth')
export class SingleSignOnController {
  constructor(
    private readonly providers: ProvidersService,
    private readonly logins: SingleSignOnService,
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

  /** The way back from the provider: begins a session. The answer is its tokens, or where `returnTo` led, with the refresh token in a cookie. */
  @Get('oidc/:provider/callback')
  @Public()
  @Fails(NotFoundProblem, LoginNotCompleted, IdentityRefused, LastAdmin)
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
    const returnTo = this.logins.returnTo(id, request);
    const lead = (location: string) => void reply.status(HttpStatus.SEE_OTHER).header('location', location);
    try {
      const tokens = await this.logins.complete(id, request, device);
      void reply.header('set-cookie', this.logins.endOf(id, request));
      if (returnTo === null) return tokens;
      this.cookie.keep(request, reply, tokens);
      lead(returnTo);
    } catch (error) {
      if (returnTo === null || !(error instanceof Problem)) throw error;
      lead(`${returnTo.replace(/#.*$/, '')}#problem=${error.code}`);
    }
    return undefined;
  }
}
