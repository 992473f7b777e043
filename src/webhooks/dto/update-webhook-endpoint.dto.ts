import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsString, MaxLength } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { MAX_URL_CHARS } from '../endpoint-url';
import { EVENT_PATTERNS } from '../../outbox/event-types';
import { IsReason } from '../../common/is-reason';

export class UpdateWebhookEndpointDto {
  /** Where events are sent by POST. What waits goes to the new address. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(MAX_URL_CHARS)
  url?: string;

  /** Types of events, groups or all: of what happens from now on. */
  @MayBeLeftOut()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(EVENT_PATTERNS.length)
  @ArrayUnique()
  @IsIn(EVENT_PATTERNS, { each: true })
  events?: string[];

  /** Of what happens from now on. */
  @MayBeLeftOut()
  @IsBoolean()
  ordered?: boolean;

  /** False: nothing is sent, and what happens is not kept for it. True: what waits goes on, and failures count from now. */
  @MayBeLeftOut()
  @IsBoolean()
  enabled?: boolean;

  @MayBeLeftOut()
  @IsString()
  @MaxLength(200)
  description?: string;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
