import { IsOptional, IsString, MaxLength } from 'class-validator';

/** Of a call that bears no body. */
export class ReasonQuery {
  /** Why; kept in the audit log. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
