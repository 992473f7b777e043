import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsString, MaxLength } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { MAX_URL_CHARS } from '../endpoint-url';
import { EVENT_PATTERNS } from '../../outbox/event-types';
import { IsReason } from '../../common/is-reason';

export class CreateWebhookEndpointDto {
  /** Where events are sent by POST: https, a public address, no credentials. */
  @IsString()
  @MaxLength(MAX_URL_CHARS)
  url: string;

  /** Types of events, all of a group (`request.*`), or all there are and will be (`*`). */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(EVENT_PATTERNS.length)
  @ArrayUnique()
  @IsIn(EVENT_PATTERNS, { each: true })
  events: string[];

  /** Whose events: one's `own` (the default); `all` are for administrators, and such an endpoint is the operator's. */
  @MayBeLeftOut()
  @IsIn(['own', 'all'])
  scope?: 'own' | 'all';

  /** Whether the events of each user come one after the other, in the order in which they happened. Costs speed where one fails. */
  @MayBeLeftOut()
  @IsBoolean()
  ordered?: boolean;

  @MayBeLeftOut()
  @IsString()
  @MaxLength(200)
  description?: string;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
