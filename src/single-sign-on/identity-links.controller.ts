import { Body, Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { AccountOwner, type Caller, CurrentCaller } from '../common/access.decorators';
import { NotFoundProblem } from '../http/problem';
import { declares, Fails } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { CodeRefused } from '../second-factors/second-factors.errors';
import { WrongPassword } from '../users/users.errors';
import { BeginLinkDto, BegunLinkDto, IdentityDto } from './dto/identity.dto';
import { IdentityLinksService } from './identity-links.service';
import { FreshLoginRequired, IdentityTaken, LoginNotCompleted, TooManyIdentities } from './single-sign-on.errors';

@ApiTags('auth')
@Controller('v1/auth/oidc/:provider/link')
export class IdentityLinksController {
  constructor(private readonly links: IdentityLinksService) {}

  /**
   * Begins to link an identity to the account of the session: the page leads its browser to `location`, and is led back to `returnTo`. The session began within ten
   * minutes, or its holder sends the password or a code of the second factor.
   */
  @Post()
  @AccountOwner()
  @HttpCode(200)
  @Fails(NotFoundProblem, FreshLoginRequired, WrongPassword, CodeRefused, TooManyAttempts, HashingBusy)
  @declares({ answers: { status: 200, fields: ['Set-Cookie'] } })
  async begin(
    @Param('provider') id: string,
    @Body() dto: BeginLinkDto,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<BegunLinkDto> {
    const { location, cookie } = await this.links.begin(id, request, caller, dto);
    void reply.header('set-cookie', cookie);
    return { location };
  }

  /** Links the identity that the provider has proven to this browser: for the session that began it alone, within ten minutes. */
  @Post('confirm')
  @AccountOwner()
  @HttpCode(200)
  @Fails(NotFoundProblem, LoginNotCompleted, IdentityTaken, TooManyIdentities)
  @declares({ answers: { status: 200, fields: ['Set-Cookie'] } })
  async confirm(
    @Param('provider') id: string,
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<IdentityDto> {
    const linked = await this.links.confirm(id, request, caller);
    void reply.header('set-cookie', this.links.endOf(id, request));
    return linked;
  }
}
