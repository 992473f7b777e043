import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { OperatorsOnly } from '../common/access.decorators';
import { JobPage } from './dto/job.dto';
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
}
