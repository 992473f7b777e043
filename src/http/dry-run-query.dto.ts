import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional } from 'class-validator';

export class DryRunQuery {
  /** True: check everything, change nothing, show what would happen. */
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsBoolean()
  dryRun?: boolean;
}
