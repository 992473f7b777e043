import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, LessThan, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type Principal } from '../common/principal';
import { Transactions } from '../database/transactions';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem } from '../http/problem';
import { OutboxEvent } from '../outbox/entities/outbox-event.entity';
import { DeliveriesRepository } from './deliveries.repository';
import { Dispatcher } from './dispatcher.service';
import { ListWebhookDeliveriesQuery } from './dto/list-webhook-deliveries.dto';
import { WebhookDeliveryDetailsDto, WebhookDeliveryDto } from './dto/webhook-delivery.dto';
import { type EndpointCaller, EndpointsService } from './endpoints.service';
import { WebhookDelivery } from './entities/webhook-delivery.entity';
import { EndpointDisabled } from './webhooks.errors';

/** How long the test of an endpoint waits for its first attempt. */
const TEST_WAIT_MS = 5_000;
/** Looks at a test are so far apart in the beginning, each half as far again as the one before: any process may have made the attempt. */
const FIRST_LOOK_MS = 20;

/** What was sent to endpoints and what came of it; the test of an endpoint, and sending again. Who reaches the endpoint reaches its deliveries. */
@Injectable()
export class DeliveriesService {
  constructor(
    @InjectRepository(WebhookDelivery) private readonly deliveries: Repository<WebhookDelivery>,
    private readonly repository: DeliveriesRepository,
    private readonly endpoints: EndpointsService,
    private readonly dispatcher: Dispatcher,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly dataSource: DataSource,
  ) {}

  /** Newest first. @throws NotFoundProblem */
  async list(principal: Principal, endpointId: number, query: ListWebhookDeliveriesQuery & ListQuery): Promise<Page<WebhookDeliveryDto>> {
    const { status } = query;
    const filters = { list: 'webhook-deliveries', endpointId, status };
    const before = cursorPosition(query.cursor, filters);
    await this.endpoints.find(this.dataSource.manager, principal, endpointId);
    const size = pageSize(query);
    const where = { endpointId, ...(status === undefined ? {} : { status }), ...(before === null ? {} : { id: LessThan(before) }) };
    const rows = await this.deliveries.find({ where, order: { id: 'DESC' }, take: size + 1 });
    return toPage(
      rows,
      size,
      filters,
      (row) => row.id,
      (row) => WebhookDeliveryDto.of(row),
    );
  }

  /** With each attempt. @throws NotFoundProblem */
  async get(principal: Principal, id: string): Promise<WebhookDeliveryDetailsDto> {
    const row = await this.deliveries.findOneBy({ id });
    if (row === null) throw new NotFoundProblem('webhook delivery');
    await this.endpoints.find(this.dataSource.manager, principal, row.endpointId);
    return WebhookDeliveryDetailsDto.of(row);
  }

  /**
   * Sends `webhook.test` to the endpoint, whatever it asked for, and to no other. @returns the delivery with its first attempt; as it waits, when
   * that takes longer than five seconds or its user is suspended. @throws NotFoundProblem, EndpointDisabled
   */
  async test({ principal, actor }: EndpointCaller, endpointId: number): Promise<WebhookDeliveryDetailsDto> {
    const made = await this.transactions.run(async (tx) => {
      const { enabled, userId } = await this.endpoints.find(tx, principal, endpointId);
      if (!enabled) throw new EndpointDisabled();
      const { identifiers } = await tx.insert(OutboxEvent, { type: 'webhook.test', userId, data: { endpointId } });
      const id = await this.repository.insert(tx, endpointId, String(identifiers[0]?.id));
      await this.audit.record(tx, actor, { action: 'webhook-endpoint.test', target: ['webhook-endpoint', endpointId], after: { delivery: id } });
      return tx.findOneByOrFail(WebhookDelivery, { id });
    });
    this.dispatcher.wake([{ endpointId, ordered: false }]);
    await this.firstAttempt(made.id);
    return WebhookDeliveryDetailsDto.of((await this.deliveries.findOneBy({ id: made.id })) ?? made);
  }

  private async firstAttempt(id: string): Promise<void> {
    const until = performance.now() + TEST_WAIT_MS;
    for (let pauseMs = FIRST_LOOK_MS; performance.now() < until; pauseMs *= 1.5) {
      await delay(Math.min(pauseMs, until - performance.now()));
      if (await this.repository.isTried(id)) return;
    }
  }

  /** Sends it once more, now, and by the whole plan. @throws NotFoundProblem, EndpointDisabled */
  async resend({ principal, actor }: EndpointCaller, id: string): Promise<WebhookDeliveryDetailsDto> {
    const again = await this.transactions.run(async (tx) => {
      const row = await tx.findOneBy(WebhookDelivery, { id });
      if (row === null) throw new NotFoundProblem('webhook delivery');
      const { enabled } = await this.endpoints.find(tx, principal, row.endpointId);
      if (!enabled) throw new EndpointDisabled();
      await this.repository.resend(tx, id);
      await this.audit.record(tx, actor, { action: 'webhook-delivery.resend', target: ['webhook-delivery', id], after: { endpoint: row.endpointId } });
      return tx.findOneByOrFail(WebhookDelivery, { id });
    });
    this.dispatcher.wake([{ endpointId: again.endpointId, ordered: false }]);
    return WebhookDeliveryDetailsDto.of(again);
  }
}
