import { IsIn, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { IsInstantOrDay } from '../../common/is-instant';
import { WholeNumber } from '../../common/whole-number';
import { ListQuery } from '../../http/list-query.dto';
import { REQUEST_STATUSES, type RequestStatus } from '../../ledger/entities/request.entity';
import { TYPE } from './submit-request.dto';

export class ListRequestsQuery extends ListQuery {
  @IsOptional()
  @IsIn(REQUEST_STATUSES)
  status?: RequestStatus;

  @IsOptional()
  @Matches(TYPE, { message: 'type must be a request type' })
  type?: string;

  /** Made at this instant or later. */
  @IsOptional()
  @IsInstantOrDay()
  since?: string;

  /** Made before this instant. */
  @IsOptional()
  @IsInstantOrDay()
  until?: string;

  /** For administrators and `service` keys, who see everybody's otherwise. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  userId?: number;

  /** Made with this API key. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  keyId?: number;
}
