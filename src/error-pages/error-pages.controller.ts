import { Controller, Get, Headers, Param, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { Public } from '../common/access.decorators';
import { NotFoundProblem } from '../http/problem';
import { declares, Fails } from '../openapi/declarations';
import { wantsHtml } from './accept';
import { ErrorPages } from './error-pages.service';

const PAGE = { schema: { type: 'string', maxLength: 20_000 } };

@ApiTags('errors')
@Controller('errors')
export class ErrorPagesController {
  constructor(private readonly pages: ErrorPages) {}

  /** What a problem's `code` means, when it happens and what to do: HTML for browsers, Markdown for everybody else. */
  @Get(':code')
  @Public()
  @declares({ answers: { fields: ['Cache-Control', 'Vary'] } })
  @Fails(NotFoundProblem)
  @ApiOkResponse({ description: 'The page.', content: { 'text/markdown': PAGE, 'text/html': PAGE } })
  page(@Param('code') code: string, @Headers('accept') accept: string | undefined, @Res({ passthrough: true }) reply: FastifyReply): string {
    const html = wantsHtml(accept);
    const page = html ? this.pages.html(code) : this.pages.markdown(code);
    void reply.type(html ? 'text/html; charset=utf-8' : 'text/markdown; charset=utf-8').headers({ 'cache-control': 'public, max-age=300', vary: 'Accept' });
    return page;
  }
}
