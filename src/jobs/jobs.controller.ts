import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AdminOnly, CurrentActor, OperatorsOnly } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { NotFoundProblem } from '../http/problem';
import { Fails } from '../openapi/declarations';
import { JobPage, JobResultDto } from './dto/job.dto';
import { JobsService } from './jobs.service';

@ApiTags('jobs')
@Controller('v1/jobs')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  /** The scheduled jobs with their last runs. */
  @Get()
  @OperatorsOnly('viewer')
  async list(): Promise<JobPage> {
    return { items: await this.jobs.list(), nextCursor: null };
  }

  /** Runs a job now, whenever it is due, and answers when it is done. */
  @Post(':job/run')
  @AdminOnly()
  @HttpCode(200)
  @Fails(NotFoundProblem)
  async run(@CurrentActor() actor: Actor, @Param('job') job: string, @Query() { reason }: ReasonQuery): Promise<JobResultDto> {
    return { affected: await this.jobs.runNow(job, actor.kind === 'command' ? 'command' : 'api', because(actor, reason)) };
  }
}
