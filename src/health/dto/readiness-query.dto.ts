import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';

export class ReadinessQuery {
  /** Also what readiness does not depend on: the way to the database, its connections, the jobs. `?verbose` alone is `true`. */
  @IsOptional()
  @Transform(({ value }) => (value === 'true' || value === '' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  verbose?: boolean;
}
