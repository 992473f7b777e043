import { Controller, Get, HttpStatus, Param, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { TokensDto } from '../auth/dto/tokens.dto';
import { Public } from '../common/access.decorators';
import { type ClientDevice, CurrentDevice } from '../common/client-device';
import { NotFoundProblem } from '../http/problem';
import { declares, Fails } from '../openapi/declarations';
import { LastAdmin } from '../users/users.errors';
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
  async begin(@Param('provider') id: string, @Res() reply: FastifyReply): Promise<void> {
    const { location, cookie } = await this.logins.begin(id);
    void reply.status(HttpStatus.FOUND).headers({ location, 'set-cookie': cookie }).send();
  }

  /** The way back from the provider: begins a session. */
  @Get('oidc/:provider/callback')
  @Public()
  @Fails(NotFoundProblem, LoginNotCompleted, IdentityRefused, LastAdmin)
  @ApiOkResponse({ type: TokensDto })
  @declares({ answers: { status: HttpStatus.OK, fields: ['Set-Cookie'] } })
  async callback(
    @Param('provider') id: string,
    @Query() _query: CallbackQuery,
    @Req() request: FastifyRequest,
    @CurrentDevice() device: ClientDevice,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensDto> {
    const { tokens, cookie } = await this.logins.complete(id, request, device);
    void reply.header('set-cookie', cookie);
    return tokens;
  }
}
