import { IsInstant } from '../../common/is-instant';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { IsReason } from '../../common/is-reason';

export class ReplayWebhooksDto {
  /** Events that happened at this instant or later. */
  @IsInstant()
  since: string;

  /** Events that happened before this instant; default: now. */
  @MayBeLeftOut()
  @IsInstant()
  until?: string;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}

export class WebhookReplayDto {
  since: Date;
  until: Date;
}
