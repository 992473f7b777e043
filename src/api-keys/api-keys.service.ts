import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { DataSource, type EntityManager, IsNull, LessThan, Not, Repository } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { sqlState } from '../common/database-errors';
import { type ListQuery } from '../common/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../common/page';
import { type Actor, PRIVILEGED_SCOPES, type Scope } from '../common/principal';
import { NotFoundProblem, ValidationProblem } from '../common/problem';
import { DatabaseClock } from '../database/database-clock';
import { Transactions } from '../database/transactions';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { User } from '../users/entities/user.entity';
import { ApiKeysRepository } from './api-keys.repository';
import { ScopeNotGrantable, TooManyKeys } from './api-keys.errors';
import { ApiKeyDto, RotatedApiKeyDto } from './dto/api-key.dto';
import { CreateApiKeyDto } from './dto/create-api-key.dto';
import { ApiKey } from './entities/api-key.entity';
import { hashKey, makeKey, shownPrefix } from './key-format';

const MOST_KEYS = 1_000;
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
    private readonly idempotency: IdempotencyService,
    private readonly clock: DatabaseClock,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  /** The keys that were not revoked, newest first. @throws NotFoundProblem */
  async list(userId: number, query: ListQuery): Promise<Page<ApiKeyDto>> {
    const filters = { userId };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    const rows = await this.keys.find({
      where: { userId, revokedAt: IsNull(), ...(before === null ? {} : { id: LessThan(Number(before)) }) },
      order: { id: 'DESC' },
      take: size + 1,
    });
    if (rows.length === 0 && !(await this.dataSource.manager.existsBy(User, { id: userId, status: Not('deleted' as const) })))
      throw new NotFoundProblem('user');
    return toPage(rows, size, filters, (row) => String(row.id), ApiKeyDto.of);
  }

  /** @throws ScopeNotGrantable, ValidationProblem for an expiry in the past, TooManyKeys, NotFoundProblem */
  async create(actor: Actor, byAdmin: boolean, userId: number, dto: CreateApiKeyDto, call: IdempotentCall | null = null): Promise<RotatedApiKeyDto> {
    const privileged = (dto.scopes ?? []).filter((scope) => PRIVILEGED_SCOPES.includes(scope));
    if (privileged.length > 0 && !byAdmin) throw new ScopeNotGrantable(privileged);
    return this.idempotency.transaction(call, (tx) => this.insert(tx, actor, userId, dto), { as: (made) => ({ ...made, key: null }) });
  }

  /** A participant of a transaction: checks nothing that depends on who asks. */
  async insert(tx: EntityManager, actor: Actor, userId: number, dto: CreateApiKeyDto): Promise<RotatedApiKeyDto> {
    await this.assertFuture(tx, dto.expiresAt);
    if (!(await tx.existsBy(User, { id: userId, status: Not('deleted' as const) }))) throw new NotFoundProblem('user');
    if ((await tx.countBy(ApiKey, { userId, revokedAt: IsNull() })) >= MOST_KEYS) throw new TooManyKeys(MOST_KEYS);
    const key = makeKey();
    const { name, dailyCap = null } = dto;
    const scopes = dto.scopes ?? DEFAULT_SCOPES;
    const expiresAt = dto.expiresAt == null ? null : new Date(dto.expiresAt);
    const draft = tx.create(ApiKey, { userId, name, scopes, dailyCap, expiresAt, prefix: shownPrefix(key), keyHash: hashKey(key) });
    const row = await tx.save(draft).catch((error: unknown) => {
      throw sqlState(error) === '23503' ? new NotFoundProblem('user') : error;
    });
    const made = await tx.findOneByOrFail(ApiKey, { id: row.id });
    await this.audit.record(tx, actor, { action: 'api-key.create', target: ['api-key', row.id], after: { userId, ...ApiKeyDto.of(made) } });
    return { ...ApiKeyDto.of(made), key };
  }

  /** Stops the key for good, on every replica within a second. @throws NotFoundProblem */
  async revoke(actor: Actor, userId: number, id: number): Promise<void> {
    await this.transactions.run(async (tx) => {
      const row = await this.lock(tx, userId, id);
      await tx.update(ApiKey, { id }, { revokedAt: () => 'now()' });
      await this.audit.record(tx, actor, { action: 'api-key.revoke', target: ['api-key', id], before: { userId, ...ApiKeyDto.of(row) } });
    });
  }

  /** Gives the key a new secret; the old one stops at once. @throws NotFoundProblem */
  async rotate(actor: Actor, userId: number, id: number): Promise<RotatedApiKeyDto> {
    return this.transactions.run(async (tx) => {
      const before = await this.lock(tx, userId, id);
      const key = makeKey();
      await tx.update(ApiKey, { id }, { keyHash: hashKey(key), prefix: shownPrefix(key) });
      const after = ApiKeyDto.of(await tx.findOneByOrFail(ApiKey, { id }));
      const [was, is] = [{ prefix: before.prefix }, { prefix: after.prefix }];
      await this.audit.record(tx, actor, { action: 'api-key.rotate', target: ['api-key', id], before: was, after: is });
      return { ...after, key };
    });
  }

  /** Notes that these keys were used just now. */
  async touch(ids: number[]): Promise<void> {
    await this.repository.touch(ids);
  }

  private async lock(tx: EntityManager, userId: number, id: number): Promise<ApiKey> {
    const where = { id, userId, revokedAt: IsNull() };
    const row = await tx.findOne(ApiKey, { where, lock: { mode: 'for_no_key_update' } });
    if (row === null) throw new NotFoundProblem('API key');
    return row;
  }

  private async assertFuture(tx: EntityManager, expiresAt: string | null | undefined): Promise<void> {
    if (expiresAt == null) return;
    if (new Date(expiresAt) <= (await this.clock.now(tx)))
      throw new ValidationProblem([{ pointer: '#/expiresAt', detail: 'is in the past', code: 'in-the-past' }]);
  }
}
