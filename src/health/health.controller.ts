import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BoundedOtherwise, Public } from '../common/access.decorators';
import { Fails } from '../openapi/declarations';
import { ReadinessQuery } from './dto/readiness-query.dto';
import { LivenessDto, ReadinessDto } from './dto/readiness.dto';
import { NotReady } from './health.errors';
import { HealthService } from './health.service';

@ApiTags('health')
@BoundedOtherwise()
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** Whether the process answers at all. Asks nobody. */
  @Get('live')
  @Public()
  live(): LivenessDto {
    return { status: 'alive' };
  }

  /** Whether the process should be sent requests: database, migrations, draining; clock and notifications as information. */
  @Get('ready')
  @Public()
  @Fails(NotReady)
  ready(@Query() { verbose }: ReadinessQuery): Promise<ReadinessDto> {
    return this.health.readiness(verbose);
  }
}
