import { Controller, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AdminOnly, CurrentActor } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { JobsService } from '../jobs/jobs.service';
import { CloseOutDto } from './dto/close-out.dto';
import { QUOTA_RESET } from './quota-reset.job';

@ApiTags('jobs')
@Controller('v1/jobs/quota-reset')
export class QuotaResetController {
  constructor(private readonly jobs: JobsService) {}

  /** Closes out the days that are over, and answers when it is done. Quotas are right without it. */
  @Post('run')
  @AdminOnly()
  @HttpCode(200)
  async run(@CurrentActor() actor: Actor, @Query() { reason }: ReasonQuery): Promise<CloseOutDto> {
    return { closedOut: await this.jobs.runNow(QUOTA_RESET, actor.kind === 'command' ? 'command' : 'api', because(actor, reason)) };
  }
}
