import { IsString, Matches, MaxLength } from 'class-validator';

export class ResetQuotaDto {
  /** Why; kept in the audit log. */
  @IsString()
  @MaxLength(500)
  @Matches(/\S/, { message: 'reason must not be empty' })
  reason: string;
}
