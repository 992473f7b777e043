import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsInstantOrDay } from '../../common/is-instant';
import { MAX_INTEGER } from '../../common/limits';
import { WholeNumber } from '../../common/whole-number';
import { ListQuery } from '../../http/list-query.dto';
import { EVENT_TYPES, type EventType } from '../../outbox/event-types';

export class ListEventsQuery extends ListQuery {
  @IsOptional()
  @IsIn(EVENT_TYPES)
  type?: EventType;

  /** For administrators, who see everybody's otherwise. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  userId?: number;

  /** Happened at this instant or later. */
  @IsOptional()
  @IsInstantOrDay()
  since?: string;

  /** Happened before this instant. */
  @IsOptional()
  @IsInstantOrDay()
  until?: string;
}
