import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AccountOwner, type AuthenticatedRequest, CurrentActor } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { ReplicaReads } from '../database/replica-reads';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { declares, Fails, MayBeReplicas } from '../openapi/declarations';
import { formatFor, NDJSON_TYPE } from './export-format';
import { ExportService } from './export.service';
import { EXPORT_SCHEMA } from './export.schema';
import { TooManyExports } from './personal-data.errors';

@ApiTags('users')
@Controller('v1/users/:userId/export')
export class PersonalDataController {
  constructor(
    private readonly exports: ExportService,
    private readonly reads: ReplicaReads,
  ) {}

  /**
   * All that is stored of a user, without secrets, as one JSON document; with `Accept: application/x-ndjson` a line for each row. Streamed:
   * a document that ends without its `rows`, or lines without the one of section `end`, were cut off.
   */
  @Get()
  @UserIdParam()
  @AccountOwner()
  @MayBeReplicas()
  @Fails(NotFoundProblem, TooManyExports)
  @declares({ answers: { status: 200, fields: ['Content-Disposition', 'Vary'] } })
  @ApiOkResponse({ content: { 'application/json': { schema: EXPORT_SCHEMA }, [NDJSON_TYPE]: { schema: { type: 'string' } } } })
  async export(
    @Req() request: AuthenticatedRequest,
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Query() { reason }: ReasonQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const format = formatFor(request.headers.accept);
    const name = `user-${userId}.${format.type === NDJSON_TYPE ? 'ndjson' : 'json'}`;
    const ofHeader = request.method === 'HEAD';
    const stream = await (ofHeader
      ? this.exports.look(userId)
      : this.exports.open(because(actor, reason), request, userId, format, this.reads.inPieces(request, reply)));
    void reply.headers({ 'content-type': format.type, 'content-disposition': `attachment; filename="${name}"`, vary: 'Accept' }).send(stream);
  }
}
