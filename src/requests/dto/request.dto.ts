import { ApiProperty } from '@nestjs/swagger';
import { type RequestStatus } from '../entities/request.entity';

export class RequestDto {
  /** UUIDv7: ids sort by time. */
  id: string;
  userId: number;
  type: string;
  status: RequestStatus;
  /** Units charged at submit. */
  cost: number;
  /** Units given back since. */
  refundedUnits: number;
  /** The local day of the period that was charged, YYYY-MM-DD. */
  chargedOn: string;
  @ApiProperty({ type: 'object', additionalProperties: true })
  payload: unknown;
  /** What the worker delivered; any JSON, null until then. */
  @ApiProperty({ nullable: true })
  result: unknown;
  /** What went wrong; null unless something did. */
  @ApiProperty({ nullable: true })
  error: unknown;
  /** How often it was begun. */
  attempt: number;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
  updatedAt: Date;
}

export class RequestPage {
  items: RequestDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
