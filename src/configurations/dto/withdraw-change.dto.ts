import { IsOptional, IsString, MaxLength } from 'class-validator';

export class WithdrawChangeQuery {
  /** Why; kept in the audit log. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
