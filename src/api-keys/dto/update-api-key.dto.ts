import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min, MinLength } from 'class-validator';
import { IsInstant } from '../../common/is-instant';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { type Scope, SCOPES } from '../../common/principal';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';
import { IsReason } from '../../common/is-reason';

export class UpdateApiKeyDto {
  @MayBeLeftOut()
  @IsString()
  @MinLength(1)
  @MaxLength(100)
  name?: string;

  /** What the key may do from now on, within a second on every replica. Only administrators add `service`, `worker` and `admin`. */
  @MayBeLeftOut()
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

  /** Units a day that this key may spend of its user's quota, what it spent today included; null: all of it. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyCap?: number | null;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
