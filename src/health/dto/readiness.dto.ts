import { ApiProperty, getSchemaPath, ApiExtraModels } from '@nestjs/swagger';

export class HealthCheckDto {
  /** `degraded` does not keep the process from serving. */
  status: 'up' | 'degraded' | 'down';
  detail?: string;
}

export class LivenessDto {
  status: 'alive';
}

@ApiExtraModels(HealthCheckDto)
export class ReadinessDto {
  status: 'ready';
  @ApiProperty({ type: 'object', additionalProperties: { $ref: getSchemaPath(HealthCheckDto) } })
  checks: Record<string, HealthCheckDto>;
}
