import { IsIn, IsInt, IsOptional, IsString, MaxLength, Max } from 'class-validator';
import { IsInstantOrDay } from '../../common/is-instant';
import { MAX_INTEGER } from '../../common/limits';
import { type Actor } from '../../common/principal';
import { WholeNumber } from '../../common/whole-number';
import { ListQuery } from '../../http/list-query.dto';

const ACTOR_KINDS: Actor['kind'][] = ['user', 'key', 'command', 'system'];

export class ListAuditEventsQuery extends ListQuery {
  /** What was done, such as `user.update`. */
  @IsOptional()
  @IsString()
  @MaxLength(60)
  action?: string;

  /** The kind of thing that was changed, such as `user`. */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  targetKind?: string;

  /** The id of the thing that was changed. */
  @IsOptional()
  @IsString()
  @MaxLength(120)
  targetId?: string;

  /** The user who did it. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Max(MAX_INTEGER)
  actorId?: number;

  /** What acted. */
  @IsOptional()
  @IsIn(ACTOR_KINDS)
  actorKind?: Actor['kind'];

  /** The API key that did it. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Max(MAX_INTEGER)
  actorKeyId?: number;

  /** Events of this instant or later; a day is its first instant in UTC. */
  @IsOptional()
  @IsInstantOrDay()
  since?: string;

  /** Events before this instant. */
  @IsOptional()
  @IsInstantOrDay()
  until?: string;
}
