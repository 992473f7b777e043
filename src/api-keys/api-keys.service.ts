import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, type EntityManager, IsNull, LessThan, Not, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { definedOnly } from '../common/defined-only';
import { type Actor, type Scope } from '../common/principal';
import { DatabaseClock } from '../database/database-clock';
import { Transactions } from '../database/transactions';
import { assertMatch } from '../http/etag';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { User } from '../users/entities/user.entity';
import { TooManyApiKeys } from './api-keys.errors';
import { ApiKeysRepository } from './api-keys.repository';
import { ApiKeySettings } from './api-keys.settings';
import { ApiKeyDto } from './dto/api-key.dto';
import { CreateApiKeyDto } from './dto/create-api-key.dto';
import { UpdateApiKeyDto } from './dto/update-api-key.dto';
import { ApiKeyOverlap } from './entities/api-key-overlap.entity';
import { ApiKey } from './entities/api-key.entity';
import { assertGrantable, beyondExpiry, changedMembers, keyData, keyTag, type MadeApiKey, withoutSecret } from './key-facts';
import { hashKey, makeKey, shownPrefix } from './key-format';

const DEFAULT_SCOPES: Scope[] = ['requests:read', 'requests:write', 'quota:read'];

/**
 * Keys that programs call with. Always true: the secret is shown once and kept as a hash, a revoked key never works
 * again, and nobody grants more than they may.
 */
@Injectable()
export class ApiKeysService {
  constructor(
    @InjectRepository(ApiKey) private readonly keys: Repository<ApiKey>,
    private readonly repository: ApiKeysRepository,
    private readonly audit: AuditService,
    private readonly settings: SettingsService,
    private readonly idempotency: IdempotencyService,
    private readonly clock: DatabaseClock,
    private readonly outbox: OutboxService,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  /** The keys that were not revoked, newest first. @throws NotFoundProblem */
  async list(userId: number, query: ListQuery): Promise<Page<ApiKeyDto>> {
    const filters = { list: 'api-keys', userId };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    const rows = await this.keys.find({
      where: { userId, revokedAt: IsNull(), ...(before === null ? {} : { id: LessThan(Number(before)) }) },
      order: { id: 'DESC' },
      take: size + 1,
    });
    if (!(await this.userExists(this.dataSource.manager, userId))) throw new NotFoundProblem('user');
    const shown = rows.map(({ id }) => id);
    const overlaps = await this.repository.overlaps(this.dataSource.manager, shown);
    return toPage(
      rows,
      size,
      filters,
      (row) => String(row.id),
      (row) => ApiKeyDto.of(row, overlaps.get(row.id)),
    );
  }

  /** A key that was not revoked. @throws NotFoundProblem */
  async get(userId: number, id: number): Promise<ApiKeyDto> {
    const row = await this.keys.findOneBy({ id, userId, revokedAt: IsNull() });
    if (row === null || !(await this.userExists(this.dataSource.manager, userId))) throw new NotFoundProblem('API key');
    return this.shown(this.dataSource.manager, row);
  }

  /** @throws ScopeNotGrantable, ValidationProblem for an expiry in the past, TooManyApiKeys, NotFoundProblem */
  async create(actor: Actor, byAdmin: boolean, userId: number, dto: CreateApiKeyDto, call: IdempotentCall | null = null): Promise<MadeApiKey> {
    if (!byAdmin) assertGrantable(dto.scopes ?? []);
    return this.idempotency.transaction(call, (tx) => this.insert(tx, actor, userId, dto), { as: withoutSecret });
  }

  /** A participant of a transaction: checks nothing that depends on who asks. */
  async insert(tx: EntityManager, actor: Actor, userId: number, dto: CreateApiKeyDto): Promise<MadeApiKey> {
    await this.assertFuture(tx, dto.expiresAt);
    const key = makeKey();
    const { name, dailyCap = null } = dto;
    const scopes = dto.scopes ?? DEFAULT_SCOPES;
    const expiresAt = dto.expiresAt == null ? null : new Date(dto.expiresAt);
    await this.repository.lock(tx, userId);
    const max = this.settings.get(ApiKeySettings.maxPerUser);
    const id = await this.repository.insert(tx, { userId, name, scopes, dailyCap, expiresAt, prefix: shownPrefix(key), keyHash: hashKey(key) }, max);
    if (id === null) throw (await this.userExists(tx, userId)) ? new TooManyApiKeys(max) : new NotFoundProblem('user');
    const made = await tx.findOneByOrFail(ApiKey, { id });
    await this.audit.record(tx, actor, { action: 'api-key.create', target: ['api-key', id], after: { userId, ...ApiKeyDto.of(made) } });
    await this.outbox.record(tx, { type: 'api-key.created', userId, data: { ...keyData(made), rotated: false } });
    return { ...ApiKeyDto.of(made), key };
  }

  /** Stops the key for good, on every replica within a second. @throws NotFoundProblem */
  async revoke(actor: Actor, userId: number, id: number): Promise<void> {
    await this.transactions.run(async (tx) => {
      const row = await this.lock(tx, userId, id);
      await tx.update(ApiKey, { id }, { revokedAt: () => 'now()' });
      await this.repository.forgetRevoked(tx, userId);
      await this.audit.record(tx, actor, { action: 'api-key.revoke', target: ['api-key', id], before: { userId, ...ApiKeyDto.of(row) } });
      await this.outbox.record(tx, { type: 'api-key.revoked', userId, data: keyData(row) });
    });
  }

  /**
   * Changes what stands beside the secret, on every replica within a second. A first cap counts what the key charged its own user today.
   * @throws NotFoundProblem, ScopeNotGrantable, ValidationProblem for an expiry in the past, Problem 412 when `ifMatch` is stale
   */
  async update(actor: Actor, byAdmin: boolean, userId: number, id: number, dto: UpdateApiKeyDto, ifMatch?: string): Promise<ApiKeyDto> {
    return this.transactions.run(async (tx) => {
      const row = await this.lock(tx, userId, id);
      const before = await this.shown(tx, row);
      assertMatch(ifMatch, keyTag(before));
      if (!byAdmin) assertGrantable((dto.scopes ?? []).filter((scope) => !row.scopes.includes(scope)));
      await this.assertFuture(tx, dto.expiresAt);
      const { name, scopes, dailyCap } = dto;
      const expiresAt = dto.expiresAt == null ? dto.expiresAt : new Date(dto.expiresAt);
      const changes = definedOnly({ name, scopes, dailyCap, expiresAt });
      if (Object.keys(changes).length === 0) return before;
      if (row.dailyCap === null && dailyCap != null) await this.repository.beginCap(tx, id, dailyCap);
      await tx.update(ApiKey, { id }, changes);
      const after = await this.shown(tx, await tx.findOneByOrFail(ApiKey, { id }));
      await this.audit.record(tx, actor, {
        action: 'api-key.update',
        target: ['api-key', id],
        before: { userId, ...changedMembers(before, after) },
        after: { userId, ...changedMembers(after, before) },
      });
      return after;
    });
  }

  /**
   * Gives the key a new secret; the old one stops at once, or works beside it for `overlapSeconds`.
   * @throws NotFoundProblem, ValidationProblem for an overlap beyond the key's expiry
   */
  async rotate(actor: Actor, userId: number, id: number, overlapSeconds = 0, call: IdempotentCall | null = null): Promise<MadeApiKey> {
    const work = async (tx: EntityManager) => {
      const before = await this.lock(tx, userId, id);
      const key = makeKey();
      if (overlapSeconds === 0) await tx.delete(ApiKeyOverlap, { apiKeyId: id });
      else if ((await this.repository.overlap(tx, id, before.keyHash, overlapSeconds)) === null) throw beyondExpiry(before.expiresAt);
      await tx.update(ApiKey, { id }, { keyHash: hashKey(key), prefix: shownPrefix(key) });
      const after = await this.shown(tx, await tx.findOneByOrFail(ApiKey, { id }));
      const was = { prefix: before.prefix };
      const is = { prefix: after.prefix, previousExpiresAt: after.previousExpiresAt };
      await this.audit.record(tx, actor, { action: 'api-key.rotate', target: ['api-key', id], before: was, after: is });
      await this.outbox.record(tx, { type: 'api-key.created', userId, data: { ...keyData(after), rotated: true } });
      return { ...after, key };
    };
    return this.idempotency.transaction(call, work, { status: 200, as: withoutSecret });
  }

  /** Notes that these keys were used just now. */
  async touch(ids: number[]): Promise<void> {
    await this.repository.touch(ids);
  }

  private async shown(tx: EntityManager, row: ApiKey): Promise<ApiKeyDto> {
    return ApiKeyDto.of(row, (await this.repository.overlaps(tx, [row.id])).get(row.id));
  }

  private async lock(tx: EntityManager, userId: number, id: number): Promise<ApiKey> {
    const where = { id, userId, revokedAt: IsNull() };
    const row = await tx.findOne(ApiKey, { where, lock: { mode: 'for_no_key_update' } });
    if (row === null) throw new NotFoundProblem('API key');
    return row;
  }

  private userExists(tx: EntityManager, id: number): Promise<boolean> {
    return tx.existsBy(User, { id, status: Not('deleted' as const) });
  }

  private async assertFuture(tx: EntityManager, expiresAt: string | null | undefined): Promise<void> {
    if (expiresAt == null) return;
    if (new Date(expiresAt) <= (await this.clock.now(tx)))
      throw new ValidationProblem([{ pointer: '#/expiresAt', detail: 'is in the past', code: 'in-the-past' }]);
  }
}
