import { IsBoolean } from 'class-validator';
import { IsReason } from '../../common/is-reason';

export class PutShadowDto {
  /** True: what the quota would refuse is admitted and counted. False: it is refused, whatever the plan has. */
  @IsBoolean()
  enabled: boolean;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
