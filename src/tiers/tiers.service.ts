import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, type EntityManager, IsNull, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { sqlState, violatedConstraint } from '../common/database-errors';
import { definedOnly } from '../common/defined-only';
import { type Actor } from '../common/principal';
import { DatabaseClock } from '../database/database-clock';
import { Transactions } from '../database/transactions';
import { assertMatch, etagOf } from '../http/etag';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { OutboxService } from '../outbox/outbox.service';
import { DefaultTierService } from './default-tier.service';
import { CreateTierDto } from './dto/create-tier.dto';
import { TierDto } from './dto/tier.dto';
import { UpdateTierDto } from './dto/update-tier.dto';
import { assertForms } from './forms';
import { Tier } from './entities/tier.entity';
import { TierCopiesService } from './tier-copies.service';
import { TierInUse, TierNameTaken } from './tiers.errors';
import { TiersRepository } from './tiers.repository';

/** The plans. Always true: a user without a number of their own has their tier's quota, from the commit that edits it on. */
@Injectable()
export class TiersService {
  constructor(
    @InjectRepository(Tier) private readonly tiers: Repository<Tier>,
    private readonly repository: TiersRepository,
    private readonly defaults: DefaultTierService,
    private readonly copies: TierCopiesService,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly clock: DatabaseClock,
    private readonly outbox: OutboxService,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  async list(query: ListQuery): Promise<Page<TierDto>> {
    const size = pageSize(query);
    const position = cursorPosition(query.cursor, TIERS);
    const all = await this.allIn(this.dataSource.manager);
    const from = position === null ? 0 : all.findIndex((tier) => String(tier.id) === position) + 1;
    return toPage(
      all.slice(from, from + size + 1),
      size,
      TIERS,
      (tier) => String(tier.id),
      (tier) => TierDto.of(tier),
    );
  }

  /** All plans, archived ones too, in their order. */
  allIn(tx: EntityManager): Promise<Tier[]> {
    return tx.find(Tier, { where: { aliasOf: IsNull() }, order: { sortOrder: 'ASC', id: 'ASC' } });
  }

  async get(idOrName: string): Promise<TierDto> {
    return TierDto.of(await this.find(this.dataSource.manager, idOrName));
  }

  /** @throws TierNameTaken, ValidationProblem of `assertForms` */
  async create(actor: Actor, dto: CreateTierDto, call: IdempotentCall | null = null): Promise<TierDto> {
    // Before the key is looked up: what is wrong costs nothing.
    assertForms(dto);
    return this.idempotency.transaction(call, (tx) => this.createIn(tx, actor, dto));
  }

  /** The same within its caller's transaction. */
  async createIn(tx: EntityManager, actor: Actor, dto: CreateTierDto): Promise<TierDto> {
    assertForms(dto);
    const unlimited = dto.unlimited ?? false;
    const { reason: _, ...plan } = dto;
    const draft = this.tiers.create({
      ...plan,
      shadow: dto.shadow ?? false,
      limits: noneOf(dto.limits) ?? null,
      sortOrder: dto.sortOrder ?? 0,
      unlimited,
      dailyQuota: unlimited ? null : dto.dailyQuota,
    });
    const tier = await tx.save(draft).catch(nameTaken(dto.name));
    await this.audit.record(tx, actor, { action: 'tier.create', target: ['tier', tier.id], after: TierDto.of(tier) });
    await this.record(tx, 'created', null, TierDto.of(tier));
    return TierDto.of(tier);
  }

  /** @throws TierNameTaken, TierInUse when new users get it and it is archived, ValidationProblem when it would be limited without a number, Problem 412 when `ifMatch` is stale */
  async update(actor: Actor, idOrName: string, dto: UpdateTierDto, ifMatch?: string): Promise<TierDto> {
    const edited = await this.transactions.run((tx) => this.updateIn(tx, actor, idOrName, dto, ifMatch));
    await this.copies.begin();
    return edited;
  }

  /** The same within its caller's transaction, who begins the copies once it is committed. */
  async updateIn(tx: EntityManager, actor: Actor, idOrName: string, dto: UpdateTierDto, ifMatch?: string): Promise<TierDto> {
    assertForms(dto);
    if (dto.name !== undefined || dto.archived === true) await this.defaults.hold(tx);
    const tier = await this.find(tx, idOrName, true);
    const before = TierDto.of(tier);
    assertMatch(ifMatch, etagOf(before));
    if (dto.archived === true && !before.archived) await this.defaults.assertNotDefault(tx, before.name);
    if (dto.name !== undefined && dto.name !== before.name) await this.repository.rename(tx, tier, dto.name).catch(nameTaken(dto.name));
    const { reason: _, ...changes } = dto;
    Object.assign(tier, definedOnly({ ...changes, limits: noneOf(dto.limits) }), { updatedAt: new Date() });
    // A number ends "unlimited" unless the same call asks otherwise; unlimited has no number.
    if (typeof dto.dailyQuota === 'number' && dto.unlimited === undefined) tier.unlimited = false;
    if (tier.unlimited) tier.dailyQuota = null;
    else if (tier.dailyQuota === null) throw new ValidationProblem([NUMBER_NEEDED]);
    const quotaChanged = tier.unlimited !== before.unlimited || tier.dailyQuota !== before.dailyQuota;
    if (quotaChanged) Object.assign(tier, { version: await this.repository.drawVersion(tx), editedAt: await this.clock.now(tx) });
    await tx.save(tier).catch(nameTaken(tier.name));
    if (tier.name !== before.name) await this.defaults.rename(tx, actor, before.name, tier.name);
    const after = TierDto.of(tier);
    await this.audit.record(tx, actor, { action: 'tier.update', target: ['tier', tier.id], before, after });
    await this.record(tx, 'updated', before, after);
    return after;
  }

  /** @throws TierInUse */
  async delete(actor: Actor, idOrName: string, ifMatch?: string): Promise<void> {
    await this.transactions.run((tx) => this.deleteIn(tx, actor, idOrName, ifMatch));
  }

  /** The same within its caller's transaction. */
  async deleteIn(tx: EntityManager, actor: Actor, idOrName: string, ifMatch?: string): Promise<void> {
    await this.defaults.hold(tx);
    const tier = await this.find(tx, idOrName, true);
    const before = TierDto.of(tier);
    assertMatch(ifMatch, etagOf(before));
    await this.defaults.assertNotDefault(tx, before.name);
    await this.repository.leaveDeletedUsers(tx, tier);
    await tx.delete(Tier, { aliasOf: tier.id }).catch(inUse);
    await tx.delete(Tier, { id: tier.id }).catch(inUse);
    await this.audit.record(tx, actor, { action: 'tier.delete', target: ['tier', tier.id], before });
    await this.record(tx, 'deleted', before, null);
  }

  private record(tx: EntityManager, action: 'created' | 'updated' | 'deleted', before: TierDto | null, after: TierDto | null): Promise<void> {
    return this.outbox.record(tx, { type: 'tier.changed', userId: null, data: { action, before, after } });
  }

  private async find(tx: EntityManager, idOrName: string, forUpdate = false): Promise<Tier> {
    const id = /^[1-9]\d{0,8}$/.test(idOrName) ? Number(idOrName) : await this.repository.idByName(tx, idOrName);
    if (id === null) throw new NotFoundProblem('tier');
    const tier = await tx.findOne(Tier, { where: { id, aliasOf: IsNull() }, ...(forUpdate ? { lock: { mode: 'for_no_key_update' } } : {}) });
    if (tier === null) throw new NotFoundProblem('tier');
    return tier;
  }
}

/** The one list of plans: it has no filters. */
const TIERS = { list: 'tiers' };

const NUMBER_NEEDED = { pointer: '#/dailyQuota', detail: 'is needed unless the tier is unlimited', code: 'is-int' };

function inUse(error: unknown): never {
  throw sqlState(error) === '23503' ? new TierInUse() : error;
}

function nameTaken(name: string) {
  return (error: unknown): never => {
    throw violatedConstraint(error) === 'subscription_tiers_name_key' ? new TierNameTaken(name) : error;
  };
}

/** A list of none is none. */
function noneOf<T>(list: T[] | null | undefined): T[] | null | undefined {
  return list?.length === 0 ? null : list;
}
