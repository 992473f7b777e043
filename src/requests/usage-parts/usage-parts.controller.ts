import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ActsForOthers, Scopes } from '../../common/access.decorators';
import { NotFoundProblem } from '../../http/problem';
import { SubjectId, UserIdParam } from '../../http/subject.decorator';
import { Fails } from '../../openapi/declarations';
import { UsagePartsDto, UsagePartsQuery } from '../dto/usage-parts.dto';
import { UsagePartsService } from './usage-parts.service';

@ApiTags('quotas')
@UserIdParam()
@Controller('v1/users/:userId/usage')
export class UsagePartsController {
  constructor(private readonly parts: UsagePartsService) {}

  /** What each type and API key used since a day, of the requests that are still stored. */
  @Get('parts')
  @Scopes('quota:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem)
  read(@SubjectId('service') userId: number, @Query() { from }: UsagePartsQuery): Promise<UsagePartsDto> {
    return this.parts.read(userId, from);
  }
}
