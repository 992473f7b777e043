import { IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import { WholeNumber } from '../common/whole-number';

export class ListQuery {
  /** How many items, at most; above 100 is taken as 100. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  limit?: number;

  /** Where the page before ended: its `nextCursor`. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  cursor?: string;
}
