import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type EventConsumer, type RecordedEvent } from '../outbox/event-consumer';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { type Lane } from './dispatch.repository';
import { Dispatcher } from './dispatcher.service';
import { FanOutRepository } from './fan-out.repository';
import { WebhookSettings } from './webhooks.settings';

/**
 * Makes deliveries of events, once each, in their order. An endpoint is not sent what is about itself: that it fails is of no use
 * to it, and its test is made where it is asked for.
 */
@Injectable()
export class FanOut implements EventConsumer, OnModuleInit {
  readonly name = 'webhooks';
  private readonly made = new Map<string, Lane>();

  constructor(
    private readonly repository: FanOutRepository,
    private readonly dispatcher: Dispatcher,
    private readonly outbox: OutboxService,
    private readonly settings: SettingsService,
  ) {}

  onModuleInit(): void {
    this.outbox.register(this);
  }

  async consume(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void> {
    const delivered = events.filter(({ type }) => type !== 'webhook.test');
    if (delivered.length === 0) return;
    const [firstPause = 0] = this.settings.get(WebhookSettings.retrySchedule);
    for (const lane of await this.repository.fanOut(tx, delivered, firstPause)) this.made.set(`${lane.endpointId} ${lane.ordered}`, lane);
  }

  /** They are there now: no need to look for them. */
  committed(): void {
    const lanes = [...this.made.values()];
    this.made.clear();
    if (lanes.length > 0) this.dispatcher.wake(lanes);
  }
}
