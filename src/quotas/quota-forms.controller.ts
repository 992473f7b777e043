import { Body, Controller, Delete, HttpCode, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AdminOnly, CurrentActor } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { Fails } from '../openapi/declarations';
import { PutOverageDto } from './dto/put-overage.dto';
import { PutShadowDto } from './dto/put-shadow.dto';
import { QuotaDto } from './dto/quota.dto';
import { QuotasService } from './quotas.service';
import { UserFormsService } from './user-forms.service';

@ApiTags('quotas')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId/quota')
export class QuotaFormsController {
  constructor(
    private readonly forms: UserFormsService,
    private readonly quotas: QuotasService,
  ) {}

  /** Lets the user go beyond the quota, in place of what their plan allows. Counted apart. */
  @Put('overage')
  @AdminOnly()
  async putOverage(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Body() { max, reason }: PutOverageDto): Promise<QuotaDto> {
    await this.forms.setOverage(because(actor, reason), userId, max == null ? {} : { max });
    return (await this.quotas.get(userId)).quota;
  }

  /** Back to what the user's plan allows. What went beyond the quota stays counted. */
  @Delete('overage')
  @AdminOnly()
  @HttpCode(204)
  async deleteOverage(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Query() { reason }: ReasonQuery): Promise<void> {
    await this.forms.setOverage(because(actor, reason), userId, null);
  }

  /** Tries the user's quota out, or enforces it, in place of what their plan has. */
  @Put('shadow')
  @AdminOnly()
  async putShadow(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Body() { enabled, reason }: PutShadowDto): Promise<QuotaDto> {
    await this.forms.setShadow(because(actor, reason), userId, enabled);
    return (await this.quotas.get(userId)).quota;
  }

  /** Back to what the user's plan has. */
  @Delete('shadow')
  @AdminOnly()
  @HttpCode(204)
  async deleteShadow(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Query() { reason }: ReasonQuery): Promise<void> {
    await this.forms.setShadow(because(actor, reason), userId, null);
  }
}
