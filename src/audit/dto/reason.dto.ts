import { IsReason } from '../../common/is-reason';

/** Of a call that bears no body. */
export class ReasonQuery {
  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
