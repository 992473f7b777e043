import { ApiProperty } from '@nestjs/swagger';
import { type DrawSource } from '../../ledger/entities/request-draw.entity';
import { type RequestStatus } from '../../ledger/entities/request.entity';
import { AnyJson } from '../../openapi/declarations';

/** Units of a charge that the day's own did not pay. */
export class DrawDto {
  /** `overage`: beyond the quota. */
  @ApiProperty({ enum: ['grant', 'overage', 'shadow'] })
  source: DrawSource;
  /** The grant that paid; null for overage. */
  grantId: number | null;
  units: number;
}

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
  @AnyJson()
  result: unknown;
  /** What went wrong; null unless something did. */
  @AnyJson()
  error: unknown;
  /** How often it was begun. */
  attempt: number;
  createdAt: Date;
  /** When the attempt began. */
  startedAt: Date | null;
  finishedAt: Date | null;
  updatedAt: Date;
  /** While it waits for another attempt: when that may begin. */
  availableAt: Date | null;
  /** When it expires unless it is finished. */
  deadlineAt: Date | null;
  /** While it is carried out: when its cancel was asked for, which its worker learns at the next heartbeat. */
  cancelRequestedAt: Date | null;
  /** What of the cost the day's own units did not pay, in the order in which it was drawn. Absent where they paid it all. */
  draws?: DrawDto[];
}

export class RequestPage {
  items: RequestDto[];
  /** Towards the older; null at the end. */
  nextCursor: string | null;
  /** Towards the newer; null at the beginning. A request that commits while a page is read may have an id before the page's first: where none may be missed, ask with `since` a minute back. */
  previousCursor: string | null;
}
