import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { BoundedOtherwise, Public } from '../common/access.decorators';
import { MetricsService } from './metrics.service';

@ApiTags('health')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  /** Metrics in the text format of Prometheus. */
  @Get()
  @BoundedOtherwise()
  @Public()
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string', maxLength: 16_777_216 } } } })
  async render(@Res() reply: FastifyReply): Promise<void> {
    const { bytes, type } = await this.metrics.render();
    void reply.header('content-type', type).send(bytes);
  }
}
