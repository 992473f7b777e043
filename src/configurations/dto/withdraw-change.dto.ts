import { IsReason } from '../../common/is-reason';

export class WithdrawChangeQuery {
  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
