import { Problem } from '../http/problem';
import { WebhookSettings } from './webhooks.settings';

export class TooManyWebhookEndpoints extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-webhook-endpoints';

  constructor(limit: number) {
    super(`There may be ${limit} webhook endpoints, by the setting ${WebhookSettings.maxPerUser.key}: delete one first.`);
  }
}
