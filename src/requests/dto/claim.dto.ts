import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { REQUEST_TYPE } from '../request-type';
import { MAX_LEASE_SECONDS } from '../requests.settings';
import { RequestDto } from './request.dto';

export class ClaimDto {
  /** The types that the worker can carry out. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @Matches(REQUEST_TYPE, { each: true, message: 'types must be request types' })
  types: string[];

  /** How many requests, at most; 1 by default. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  /** For how long they are the worker's alone, unless it sends a heartbeat; the setting `requests.leaseSeconds` by default. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_LEASE_SECONDS)
  leaseSeconds?: number;

  /** For how long to wait for something when there is nothing; 0 by default. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(30)
  waitSeconds?: number;
}

export class ClaimedRequestDto extends RequestDto {
  /** Others may claim it from then on. */
  leaseExpiresAt: Date;
}

export class ClaimAnswerDto {
  items: ClaimedRequestDto[];
}
