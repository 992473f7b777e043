import { ApiProperty } from '@nestjs/swagger';
import { AnyJson } from '../../openapi/declarations';
import { RequestDto } from './request.dto';

export class AttemptDto {
  attempt: number;
  /** `returned`: its worker reported a failure that may pass; `lost`: its lease ran out; else how the request ended. Null while it is under way. */
  @ApiProperty({ nullable: true, enum: ['returned', 'lost', 'succeeded', 'failed', 'canceled', 'expired'] })
  outcome: string | null;
  @AnyJson()
  error: unknown;
  startedAt: Date;
  endedAt: Date | null;
}

export class RequestDetailDto extends RequestDto {
  /** Every attempt, the first one first. */
  attempts: AttemptDto[];
}
