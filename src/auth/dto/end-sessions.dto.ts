import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';
import { ReasonQuery } from '../../audit/dto/reason.dto';

export class EndSessionsQuery extends ReasonQuery {
  /** Whether the session of this call goes on. */
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  keepCurrent?: boolean;
}
