import { Transform } from 'class-transformer';
import { IsIn, IsNumber, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { DeepObject } from '../../http/deep-object';
import { ListQuery } from '../../http/list-query.dto';
import { type UserStatus } from '../entities/user.entity';
import { IsMetadataFilter } from './is-metadata-filter';

export class ListUsersQuery extends ListQuery {
  @IsOptional()
  @IsString()
  @MaxLength(50)
  tier?: string;

  @IsOptional()
  @IsIn(['active', 'suspended'])
  status?: UserStatus;

  /** The whole address, in any case. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  email?: string;

  /** What the operator's own system calls the user. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  externalId?: string;

  @IsOptional()
  @IsMetadataFilter()
  @DeepObject('Only users with these members in their metadata, up to three; a number or a truth value is found as such and as a text.', 'metadata[plan]=gold')
  metadata?: Record<string, string>;

  /** Only users who used at least this share of today's quota: 0.8 for 80 %. */
  @IsOptional()
  @Transform(({ value }) => (/^\d{1,3}(\.\d{1,6})?$/.test(String(value)) ? Number(value) : (value as unknown)))
  @IsNumber()
  @Min(0)
  @Max(100)
  quotaUsedAtLeast?: number;
}
