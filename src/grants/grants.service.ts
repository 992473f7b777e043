import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { DatabaseClock } from '../database/database-clock';
import { Transactions } from '../database/transactions';
import { type ListQuery } from '../http/list-query.dto';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { SettingsService } from '../settings/settings.service';
import { CreateGrantDto } from './dto/create-grant.dto';
import { type GrantDto } from './dto/grant.dto';
import { TooManyGrants } from './grants.errors';
import { GrantsRepository } from './grants.repository';
import { GrantSettings } from './grants.settings';

const DEFAULT_PRIORITY = 100;

/**
 * Units beside the day's own. Always true: a grant is made and ended under its user's lock, as charges draw on it, so that
 * one that is revoked pays for nothing more; what it has paid stays paid, and goes back to it when it is refunded.
 */
@Injectable()
export class GrantsService {
  constructor(
    private readonly repository: GrantsRepository,
    private readonly audit: AuditService,
    private readonly clock: DatabaseClock,
    private readonly settings: SettingsService,
    private readonly idempotency: IdempotencyService,
    private readonly transactions: Transactions,
  ) {}

  /** All grants, those that ended too, newest first. @throws NotFoundProblem */
  async list(userId: number, query: ListQuery): Promise<Page<GrantDto>> {
    const filters = { list: 'grants', userId };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    const rows = await this.repository.list(userId, before === null ? null : Number(before), size + 1);
    if (!(await this.repository.userExists(userId))) throw new NotFoundProblem('user');
    return toPage(
      rows,
      size,
      filters,
      ({ id }) => String(id),
      (grant) => grant,
    );
  }

  /** @throws NotFoundProblem */
  async get(userId: number, id: number): Promise<GrantDto> {
    return found(await this.repository.find(userId, id));
  }

  /** @throws NotFoundProblem, ValidationProblem for an expiry in the past, TooManyGrants */
  async create(actor: Actor, userId: number, dto: CreateGrantDto, call: IdempotentCall | null = null): Promise<GrantDto> {
    return this.idempotency.transaction(call, (tx) => this.insert(tx, actor, userId, dto));
  }

  /** Ends the grant; nothing happens when it was revoked already. @throws NotFoundProblem */
  async revoke(actor: Actor, userId: number, id: number): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.lock(tx, userId);
      const before = found(await this.repository.find(userId, id, tx));
      if (before.revokedAt !== null) return;
      await this.repository.revoke(tx, id);
      const after = found(await this.repository.find(userId, id, tx));
      await this.audit.record(tx, actor, { action: 'grant.revoke', target: ['user', userId], before, after });
    });
  }

  private async insert(tx: EntityManager, actor: Actor, userId: number, dto: CreateGrantDto): Promise<GrantDto> {
    const { units, priority = DEFAULT_PRIORITY, reason } = dto;
    await this.lock(tx, userId);
    const expiresAt = dto.expiresAt == null ? null : new Date(dto.expiresAt);
    if (expiresAt !== null && expiresAt <= (await this.clock.now(tx))) {
      throw new ValidationProblem([{ pointer: '#/expiresAt', detail: 'is in the past', code: 'in-the-past' }]);
    }
    const max = this.settings.get(GrantSettings.maxPerUser);
    const grant = await this.repository.insert(tx, { userId, units, priority, reason, author: actor.id, expiresAt }, max);
    if (grant === null) throw new TooManyGrants(max);
    await this.audit.record(tx, actor, { action: 'grant.create', target: ['user', userId], after: grant, reason });
    return grant;
  }

  private async lock(tx: EntityManager, userId: number): Promise<void> {
    if (!(await this.repository.lockUser(tx, userId))) throw new NotFoundProblem('user');
  }
}

function found(grant: GrantDto | null): GrantDto {
  if (grant === null) throw new NotFoundProblem('grant');
  return grant;
}
