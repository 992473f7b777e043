import { ApiProperty } from '@nestjs/swagger';
import { Allow, ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';
import { AnyJson } from '../../openapi/declarations';
import { MAX_LEASE_SECONDS } from '../requests.settings';

class AttemptDto {
  /** The attempt that the claim named: it shows that the lease is still the worker's. */
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  attempt: number;
}

export class HeartbeatDto extends AttemptDto {
  /** For how long from now; the setting `requests.leaseSeconds` by default. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_LEASE_SECONDS)
  leaseSeconds?: number;
}

export class CompleteDto extends AttemptDto {
  /** Any JSON. */
  @AnyJson({ required: false })
  @Allow()
  result?: unknown;

  /** Units that it came to, if fewer than its cost; the rest goes back. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INTEGER)
  units?: number;
}

export class CompleteItemDto extends CompleteDto {
  /** The request that it is the result of. */
  @IsString()
  id: string;
}

export class CompleteAllDto {
  /** Each is checked and carried out by itself. */
  @ApiProperty({ type: [CompleteItemDto], minItems: 1, maxItems: 100 })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  items: unknown[];
}

export class FailDto extends AttemptDto {
  /** What went wrong: any JSON. */
  @AnyJson({ required: false })
  @Allow()
  error?: unknown;

  /** Whether another attempt may succeed; false by default. */
  @IsOptional()
  @IsBoolean()
  retryable?: boolean;

  /** Units that it came to all the same, where the refund policy is to give back what was not settled. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_INTEGER)
  units?: number;
}

export class LeaseDto {
  id: string;
  attempt: number;
  leaseExpiresAt: Date;
  /** True: the owner wants it no more. Stop, and report a failure; it then ends as `canceled`. */
  cancelRequested: boolean;
}
