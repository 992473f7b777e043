import { Controller, Delete, Get, HttpCode, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AdminOnly, CurrentActor, OperatorsOnly } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { Fails } from '../openapi/declarations';
import { TierChangePage } from './dto/tier-change.dto';
import { UpdateUserService } from './update-user.service';
import { UsersService } from './users.service';

@ApiTags('users')
@Controller('v1')
export class TierChangesController {
  constructor(
    private readonly users: UsersService,
    private readonly updates: UpdateUserService,
  ) {}

  /** Changes of plan that wait for the next period or for their date, by user. */
  @Get('tier-changes')
  @OperatorsOnly('viewer')
  list(@Query() query: ListQuery): Promise<TierChangePage> {
    return this.users.tierChanges(query);
  }

  /** Has the change of plan that waits not happen. Nothing happens where none does. */
  @Delete('users/:userId/tier-change')
  @UserIdParam()
  @AdminOnly()
  @HttpCode(204)
  @Fails(NotFoundProblem)
  async cancel(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Query() { reason }: ReasonQuery): Promise<void> {
    await this.updates.cancelTierChange(because(actor, reason), userId);
  }
}
