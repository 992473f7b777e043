import { Body, Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { BoundedOtherwise, Public } from '../common/access.decorators';
import { type ClientDevice, CurrentDevice } from '../common/client-device';
import { ClientNetwork } from '../common/network-address';
import { declares, Fails } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { TokenRefused } from '../proofs/proofs.errors';
import { CodeRefused, TotpRequired } from '../second-factors/second-factors.errors';
import { CrossSiteRefused } from './auth.errors';
import { SignInLinkDto } from './dto/sign-in-link.dto';
import { TokensDto } from './dto/tokens.dto';
import { SessionCookie } from './session-cookie';
import { SignInLinksService } from './sign-in-links.service';

@ApiTags('auth')
@Controller('v1/auth')
export class SignInLinksController {
  constructor(
    private readonly links: SignInLinksService,
    private readonly cookie: SessionCookie,
  ) {}

  /** Begins a session by the link that the first start shows, and sets a new password if one is given. A link works once, within ten minutes. */
  @Post('sign-in-link')
  @BoundedOtherwise()
  @Public()
  @Fails(TokenRefused, TotpRequired, CodeRefused, TooManyAttempts, HashingBusy, CrossSiteRefused)
  @declares({ answers: { status: 200, fields: ['Set-Cookie?'] } })
  @HttpCode(200)
  async use(
    @Body() dto: SignInLinkDto,
    @ClientNetwork() network: string,
    @CurrentDevice() device: ClientDevice,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokensDto> {
    if (dto.cookie === true) this.cookie.assertOwnPage(request);
    const tokens = await this.links.use(dto, { network, device, requestId: request.id });
    return dto.cookie === true ? this.cookie.keep(request, reply, tokens) : tokens;
  }
}
