import { IsBoolean, IsString, Matches, MaxLength } from 'class-validator';

export class PutShadowDto {
  /** True: what the quota would refuse is admitted and counted. False: it is refused, whatever the plan has. */
  @IsBoolean()
  enabled: boolean;

  /** Why; kept in the audit log. */
  @IsString()
  @MaxLength(500)
  @Matches(/\S/, { message: 'reason must not be empty' })
  reason: string;
}
