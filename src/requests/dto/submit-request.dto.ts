import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsObject, IsOptional, Matches, Max, Min } from 'class-validator';
import { INSTANT } from '../../common/is-instant';
import { MAX_INTEGER } from '../../common/limits';
import { REQUEST_TYPE } from '../request-type';

export class SubmitRequestDto {
  /** A short name; the setting `requests.types` holds what it costs. */
  @Matches(REQUEST_TYPE, { message: 'type must be 1 to 50 of a-z, 0-9, dot, dash and underscore, and start with a letter or digit' })
  type: string;

  /** Whatever the one who carries it out needs. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  @IsOptional()
  @IsObject()
  payload?: Record<string, unknown>;

  /** With the `service` scope: the user who is charged, if not the key's own. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  userId?: number;

  /** With the `service` scope: units, instead of the type's. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  cost?: number;

  /** When it expires unless it is finished; the type's deadline by default. */
  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @Matches(INSTANT, { message: 'deadlineAt must be an RFC 3339 instant with its offset' })
  deadlineAt?: string;
}
