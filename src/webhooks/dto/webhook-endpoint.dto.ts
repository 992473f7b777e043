import { type DisabledReason, type WebhookEndpoint } from '../entities/webhook-endpoint.entity';

export class WebhookEndpointDto {
  id: number;
  /** Whose it is; null: the operator's. */
  userId: number | null;
  url: string;
  events: string[];
  /** Whose events it is sent: its `own` user's, or `all`. */
  scope: 'own' | 'all';
  ordered: boolean;
  enabled: boolean;
  description: string;
  /** Why it is disabled: `by-owner`, `gone` (it answered 410), or `failing` (for five days). */
  disabledReason: DisabledReason | null;
  createdAt: Date;
  updatedAt: Date;

  static of({ id, userId, url, events, ordered, enabled, description, disabledReason, createdAt, updatedAt }: WebhookEndpoint): WebhookEndpointDto {
    return { id, userId, url, events, scope: userId === null ? 'all' : 'own', ordered, enabled, description, disabledReason, createdAt, updatedAt };
  }
}

export class NewWebhookEndpointDto extends WebhookEndpointDto {
  /** What deliveries are signed with. Shown this once. Null in the answer to a repeated call. */
  secret: string | null;
}

export class RotatedSecretDto {
  /** What deliveries are signed with from now on. Shown this once. Null in the answer to a repeated call. */
  secret: string | null;
  /** Until when the secret before it signs as well. */
  previousExpiresAt: Date;
}

export class WebhookEndpointPage {
  items: WebhookEndpointDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
