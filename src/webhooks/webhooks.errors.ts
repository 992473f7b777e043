import { Problem } from '../http/problem';
import { WebhookSettings } from './webhooks.settings';

export class TooManyWebhookEndpoints extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-webhook-endpoints';

  constructor(limit: number) {
    super(`There may be ${limit} webhook endpoints, by the setting ${WebhookSettings.maxPerUser.key}: delete one first.`);
  }
}

export class EndpointDisabled extends Problem {
  static override readonly status = 409;
  static override readonly code = 'endpoint-disabled';

  constructor() {
    super('The webhook endpoint is disabled: enable it first.');
  }
}

export class ReplayUnderWay extends Problem {
  static override readonly status = 409;
  static override readonly code = 'replay-under-way';

  constructor() {
    super('Events are being replayed to the webhook endpoint: one replay goes at a time.');
  }
}
