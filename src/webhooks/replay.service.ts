import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuditService } from '../audit/audit.service';
import { Transactions } from '../database/transactions';
import { ValidationProblem } from '../http/problem';
import { Poller } from '../outbox/poller';
import { Dispatcher } from './dispatcher.service';
import { ReplayWebhooksDto, type WebhookReplayDto } from './dto/replay-webhooks.dto';
import { type EndpointCaller, EndpointsService } from './endpoints.service';
import { ReplayRepository } from './replay.repository';
import { EndpointDisabled, ReplayUnderWay } from './webhooks.errors';

const LOOK_EVERY_MS = 1_000;

/**
 * Sends the events of a time once more. Always true: each of them becomes one delivery, because position and deliveries move in one
 * transaction, and a replay that was left by its process is carried on by another.
 */
@Injectable()
export class ReplayService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly steps = new Poller({ name: 'the replay of webhooks', work: () => this.step(), maxMs: LOOK_EVERY_MS });
  /** Endpoints have a step in turn. */
  private after = 0;

  constructor(
    private readonly repository: ReplayRepository,
    private readonly endpoints: EndpointsService,
    private readonly dispatcher: Dispatcher,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly server: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    this.server.listen$.subscribe(() => this.steps.start());
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.steps.stop();
  }

  /** @throws NotFoundProblem, ValidationProblem for a range that ends before it begins, EndpointDisabled, ReplayUnderWay */
  async begin({ principal, actor }: EndpointCaller, endpointId: number, { since, until }: ReplayWebhooksDto): Promise<WebhookReplayDto> {
    if (until !== undefined && Date.parse(until) <= Date.parse(since)) throw new ValidationProblem([BEFORE_ITS_BEGINNING]);
    const replay = await this.transactions.run(async (tx) => {
      const { enabled } = await this.endpoints.find(tx, principal, endpointId, true);
      if (!enabled) throw new EndpointDisabled();
      const begun = await this.repository.begin(tx, endpointId, instant(since), until === undefined ? null : instant(until));
      if (begun === null) throw new ReplayUnderWay();
      await this.audit.record(tx, actor, { action: 'webhook-endpoint.replay', target: ['webhook-endpoint', endpointId], after: begun });
      return begun;
    });
    this.steps.hint();
    return replay;
  }

  private async step(): Promise<boolean> {
    const stepped = await this.transactions.run(async (tx) => {
      const replay = await this.repository.hold(tx, this.after);
      if (replay === null) return null;
      const made = (await this.repository.hasRoom(tx, replay)) && (await this.repository.step(tx, replay));
      return { replay, made };
    });
    const wrapped = this.after > 0;
    this.after = stepped?.replay.id ?? 0;
    if (stepped?.made) this.dispatcher.wake([{ endpointId: stepped.replay.id, ordered: stepped.replay.ordered }]);
    return stepped === null ? wrapped : stepped.made;
  }
}

const BEFORE_ITS_BEGINNING = { pointer: '#/until', detail: 'must be later than since', code: 'before-since' };

/** In UTC: PostgreSQL knows fewer offsets than RFC 3339. */
function instant(text: string): string {
  return new Date(text).toISOString();
}
