import { IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsInstantOrDay } from '../../common/is-instant';
import { MAX_INTEGER } from '../../common/limits';
import { WholeNumber } from '../../common/whole-number';
import { ListQuery } from '../../http/list-query.dto';
import { REQUEST_STATUSES, type RequestStatus } from '../../ledger/entities/request.entity';
import { REQUEST_TYPE } from '../request-type';

export class ListRequestsQuery extends ListQuery {
  @IsOptional()
  @IsIn(REQUEST_STATUSES)
  status?: RequestStatus;

  @IsOptional()
  @Matches(REQUEST_TYPE, { message: 'type must be a request type' })
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
  @Max(MAX_INTEGER)
  userId?: number;

  /** Made with this API key. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  keyId?: number;

  /** Whose payload has a member of this name, at its top. Payloads are looked through a bounded number at a time, from the newest on: a page may be short, or empty, and go on. */
  @IsOptional()
  @IsString()
  @Length(1, 200)
  payloadKey?: string;

  /** With `payloadKey`: and whose member has this value, as text. */
  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  payloadValue?: string;
}
