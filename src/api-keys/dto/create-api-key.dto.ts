import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min, MinLength } from 'class-validator';
import { IsInstant } from '../../common/is-instant';
import { type Scope, SCOPES } from '../../common/principal';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';
import { IsReason } from '../../common/is-reason';

export class CreateApiKeyDto {
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  name: string;

  /** What the key may do; default: submit and read requests, read the quota. `service`, `worker` and `admin` are for administrators to grant. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(SCOPES.length)
  @ArrayUnique()
  @IsIn(SCOPES, { each: true })
  scopes?: Scope[];

  /** When the key stops; null: never. */
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;

  /** Units a day that this key may spend of its user's quota; null: all of it. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyCap?: number | null;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
