import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsString } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { RequestDto } from './request.dto';
import { SubmitRequestDto } from './submit-request.dto';

export class BatchItemDto extends SubmitRequestDto {
  /** As the field `Idempotency-Key` of a single submit, for this item alone. */
  @MayBeLeftOut()
  @IsString()
  idempotencyKey?: string;
}

export class BatchDto {
  /** Each is checked and charged for itself, in this order. */
  @ApiProperty({ type: [BatchItemDto], minItems: 1, maxItems: 100 })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  items: unknown[];
}

export class BatchItemAnswerDto {
  /** What a call for this item alone would have been answered. */
  status: number;
  /** When it went well. */
  @ApiPropertyOptional({ type: RequestDto })
  request?: RequestDto;
  /** When it did not: problem details (RFC 9457). */
  @ApiPropertyOptional({ allOf: [{ $ref: '#/components/schemas/Problem' }] })
  problem?: Record<string, unknown>;
}

export class BatchAnswerDto {
  items: BatchItemAnswerDto[];
}
