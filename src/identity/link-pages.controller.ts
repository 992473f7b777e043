import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { Public } from '../common/access.decorators';
import { declares } from '../openapi/declarations';
import { type LinkPage, RESET_PAGE, VERIFY_PAGE } from './link-pages';

const PAGE = { description: 'The page.', content: { 'text/html': { schema: { type: 'string' as const, maxLength: 20_000 } } } };

/** Where the links in mails lead while `mail.linkBase` is this service. */
@ApiTags('auth')
@declares({ answers: { fields: ['Content-Security-Policy'] } })
@Controller()
export class LinkPagesController {
  /** The page that confirms an address. */
  @Get('verify-email')
  @Public()
  @ApiOkResponse(PAGE)
  verifyEmail(@Res({ passthrough: true }) reply: FastifyReply): string {
    return show(reply, VERIFY_PAGE);
  }

  /** The page that sets a new password. */
  @Get('reset-password')
  @Public()
  @ApiOkResponse(PAGE)
  resetPassword(@Res({ passthrough: true }) reply: FastifyReply): string {
    return show(reply, RESET_PAGE);
  }
}

function show(reply: FastifyReply, { html, policy }: LinkPage): string {
  void reply.type('text/html; charset=utf-8').header('content-security-policy', policy);
  return html;
}
