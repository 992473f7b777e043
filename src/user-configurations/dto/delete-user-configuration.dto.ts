import { IsOptional, IsString, MaxLength } from 'class-validator';

export class DeleteUserConfigurationQuery {
  /** Why; kept in the history. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
