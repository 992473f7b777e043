import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { And, DataSource, type EntityManager, Equal, type FindOptionsWhere, IsNull, LessThan, Not, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { definedOnly } from '../common/defined-only';
import { type Actor, type Principal } from '../common/principal';
import { Transactions } from '../database/transactions';
import { assertMatch, etagOf } from '../http/etag';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { ListenersService } from '../outbox/listeners.service';
import { SettingsService } from '../settings/settings.service';
import { AdminFields } from '../users/users.errors';
import { CreateWebhookEndpointDto } from './dto/create-webhook-endpoint.dto';
import { ListWebhookEndpointsQuery } from './dto/list-webhook-endpoints.dto';
import { UpdateWebhookEndpointDto } from './dto/update-webhook-endpoint.dto';
import { type NewWebhookEndpointDto, type RotatedSecretDto, WebhookEndpointDto } from './dto/webhook-endpoint.dto';
import { EndpointSecrets } from './endpoint-secrets';
import { urlFlaw } from './endpoint-url';
import { EndpointsRepository, OWNER_IS_THERE } from './endpoints.repository';
import { WebhookEndpoint } from './entities/webhook-endpoint.entity';
import { sourceOf } from './listening';
import { Sender } from './sender.service';
import { TooManyWebhookEndpoints } from './webhooks.errors';
import { WebhookSettings } from './webhooks.settings';

type Reach = Pick<Principal, 'isAdmin' | 'userId'>;

/** Who asks, and as what. */
export interface EndpointCaller {
  principal: Reach;
  actor: Actor;
}

/**
 * Where events are sent. Always true: users reach their own endpoints alone, the secret is shown once and kept sealed, and no
 * URL is stored that deliveries must not go to.
 */
@Injectable()
export class EndpointsService {
  constructor(
    @InjectRepository(WebhookEndpoint) private readonly endpoints: Repository<WebhookEndpoint>,
    private readonly repository: EndpointsRepository,
    private readonly secrets: EndpointSecrets,
    private readonly sender: Sender,
    private readonly listeners: ListenersService,
    private readonly audit: AuditService,
    private readonly settings: SettingsService,
    private readonly idempotency: IdempotencyService,
    private readonly transactions: Transactions,
    private readonly dataSource: DataSource,
  ) {}

  /** Newest first: one's own, and for administrators everybody's. @throws AdminFields when a user asks for another's */
  async list(principal: Principal, query: ListWebhookEndpointsQuery): Promise<Page<WebhookEndpointDto>> {
    const { scope, userId } = query;
    if (!principal.isAdmin && ((userId ?? principal.userId) !== principal.userId || scope === 'all')) throw new AdminFields(['scope', 'userId']);
    const owner = principal.isAdmin ? userId : principal.userId;
    const filters = { list: 'webhook-endpoints', owner, scope };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    if (owner !== undefined && scope === 'all') return { items: [], nextCursor: null };
    const ofScope = scope === undefined ? [] : [scope === 'all' ? IsNull() : Not(IsNull())];
    const ofOwner = owner === undefined ? ofScope : [Equal(owner)];
    const rows = await this.endpoints.find({
      where: { userId: And(...ofOwner, OWNER_IS_THERE), ...(before === null ? {} : { id: LessThan(Number(before)) }) },
      order: { id: 'DESC' },
      take: size + 1,
    });
    return toPage(rows, size, filters, (row) => String(row.id), WebhookEndpointDto.of);
  }

  /** The operator's, which belong to no user; as many as one user may have. */
  async ofOperatorIn(tx: EntityManager): Promise<WebhookEndpointDto[]> {
    return (await tx.find(WebhookEndpoint, { where: { userId: IsNull() }, order: { id: 'ASC' } })).map(WebhookEndpointDto.of);
  }

  /** @throws NotFoundProblem, also for somebody else's */
  async get(principal: Principal, id: number): Promise<WebhookEndpointDto> {
    return WebhookEndpointDto.of(await this.find(this.dataSource.manager, principal, id));
  }

  /** @throws ValidationProblem for the URL, AdminFields for `scope: all`, TooManyWebhookEndpoints */
  async create({ principal, actor }: EndpointCaller, dto: CreateWebhookEndpointDto, call: IdempotentCall | null = null): Promise<NewWebhookEndpointDto> {
    if (dto.scope === 'all' && !principal.isAdmin) throw new AdminFields(['scope']);
    this.checked(dto.url);
    const work = (tx: EntityManager) => this.createIn(tx, actor, dto.scope === 'all' ? null : principal.userId, dto);
    return this.idempotency.transaction<NewWebhookEndpointDto>(call, work, { as: withoutSecret });
  }

  /** The same within its caller's transaction; the operator's own without a user. */
  async createIn(tx: EntityManager, actor: Actor, userId: number | null, dto: CreateWebhookEndpointDto): Promise<NewWebhookEndpointDto> {
    const url = this.checked(dto.url);
    const { events, ordered = false, description = '' } = dto;
    await this.repository.lock(tx, userId);
    const id = await this.repository.drawId(tx);
    const { secret, sealed } = this.secrets.make(id);
    const max = this.settings.get(WebhookSettings.maxPerUser);
    if (!(await this.repository.insert(tx, { id, userId, url, events, ordered, description, secret: sealed }, max))) throw new TooManyWebhookEndpoints(max);
    await this.listeners.replace(tx, sourceOf(id), userId, events);
    const made = WebhookEndpointDto.of(await tx.findOneByOrFail(WebhookEndpoint, { id }));
    await this.audit.record(tx, actor, { action: 'webhook-endpoint.create', target: ['webhook-endpoint', id], after: made });
    return { ...made, secret };
  }

  /** @throws NotFoundProblem, ValidationProblem for the URL, Problem 412 when `ifMatch` is stale */
  async update(caller: EndpointCaller, id: number, dto: UpdateWebhookEndpointDto, ifMatch?: string): Promise<WebhookEndpointDto> {
    return this.transactions.run((tx) => this.updateIn(tx, caller, id, dto, ifMatch));
  }

  /** The same within its caller's transaction. */
  async updateIn(
    tx: EntityManager,
    { principal, actor }: EndpointCaller,
    id: number,
    dto: UpdateWebhookEndpointDto,
    ifMatch?: string,
  ): Promise<WebhookEndpointDto> {
    const { reason: _, url, enabled, ...rest } = dto;
    const changes: Partial<WebhookEndpoint> = { ...definedOnly(rest), ...(url === undefined ? {} : { url: this.checked(url) }) };
    const row = await this.find(tx, principal, id, true);
    const before = WebhookEndpointDto.of(row);
    assertMatch(ifMatch, etagOf(before));
    if (enabled === true && !row.enabled) Object.assign(changes, { enabled, disabledReason: null, failingSince: null, failingPercent: 0 });
    if (enabled === false && row.enabled) Object.assign(changes, { enabled, disabledReason: 'by-owner' });
    if (Object.keys(changes).length === 0) return before;
    await tx.update(WebhookEndpoint, { id }, { ...changes, updatedAt: () => 'now()' });
    const after = WebhookEndpointDto.of(await tx.findOneByOrFail(WebhookEndpoint, { id }));
    await this.listeners.replace(tx, sourceOf(id), after.userId, after.enabled ? after.events : []);
    await this.audit.record(tx, actor, { action: 'webhook-endpoint.update', target: ['webhook-endpoint', id], before, after });
    return after;
  }

  /** What waits for it is not sent any more. @throws NotFoundProblem, Problem 412 when `ifMatch` is stale */
  async delete(caller: EndpointCaller, id: number, ifMatch?: string): Promise<void> {
    await this.transactions.run((tx) => this.deleteIn(tx, caller, id, ifMatch));
  }

  /** The same within its caller's transaction. */
  async deleteIn(tx: EntityManager, { principal, actor }: EndpointCaller, id: number, ifMatch?: string): Promise<void> {
    const before = WebhookEndpointDto.of(await this.find(tx, principal, id, true));
    assertMatch(ifMatch, etagOf(before));
    await tx.delete(WebhookEndpoint, { id });
    await this.audit.record(tx, actor, { action: 'webhook-endpoint.delete', target: ['webhook-endpoint', id], before });
  }

  /** Gives the endpoint a new secret; the one before signs as well for a while. @throws NotFoundProblem */
  async rotateSecret({ principal, actor }: EndpointCaller, id: number, call: IdempotentCall | null = null): Promise<RotatedSecretDto> {
    const work = async (tx: EntityManager) => {
      const row = await this.find(tx, principal, id, true);
      const { secret, sealed } = this.secrets.make(id);
      const previousExpiresAt = await this.repository.rotate(
        tx,
        id,
        sealed,
        this.secrets.retire(id, row.secret),
        this.settings.get(WebhookSettings.secretOverlapHours),
      );
      await this.audit.record(tx, actor, { action: 'webhook-endpoint.rotate-secret', target: ['webhook-endpoint', id], after: { previousExpiresAt } });
      return { secret, previousExpiresAt };
    };
    return this.idempotency.transaction<RotatedSecretDto>(call, work, { status: 200, as: withoutSecret });
  }

  /** One that the caller reaches. @throws NotFoundProblem */
  async find(tx: EntityManager, { isAdmin, userId }: Reach, id: number, forUpdate = false): Promise<WebhookEndpoint> {
    const where: FindOptionsWhere<WebhookEndpoint> = isAdmin ? { id, userId: OWNER_IS_THERE } : { id, userId };
    const row = await tx.findOne(WebhookEndpoint, { where, ...(forUpdate ? { lock: { mode: 'for_no_key_update' } } : {}) });
    if (row === null) throw new NotFoundProblem('webhook endpoint');
    return row;
  }

  /** The URL as it is stored. @throws ValidationProblem */
  private checked(url: string): string {
    const flaw = urlFlaw(url, this.sender.urlRules);
    if (flaw !== null) throw new ValidationProblem([flaw]);
    return new URL(url).href;
  }
}

/** What a retry is answered: the secret is kept nowhere. */
function withoutSecret<T extends { secret: string | null }>(answer: T): T {
  return { ...answer, secret: null };
}
