import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { MAX_INTEGER } from '../common/limits';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type QuotaState } from '../ledger/charge';
import { CloseOutRepository } from '../ledger/close-out.repository';
import { assertEitherOr } from '../tiers/either-or';
import { User } from '../users/entities/user.entity';
import { PutOverrideDto } from './dto/put-override.dto';
import { QuotaDto, QuotaOverrideDto } from './dto/quota.dto';
import { UsageItemDto, UsageQuery } from './dto/usage.dto';
import { type QuotaRow, QuotasRepository } from './quotas.repository';
import { unitsLeft } from './rate-limit-fields';

const DAY_MS = 86_400_000;
const MAX_USAGE_DAYS = 366;

/**
 * What a user's quota is and was, and what operators do to it. Always true: every number comes from the projection that
 * admission decides by, reading costs nothing, and each change by an operator is in the audit log.
 */
@Injectable()
export class QuotasService {
  constructor(
    private readonly repository: QuotasRepository,
    private readonly closeOut: CloseOutRepository,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
  ) {}

  /** The quota as it is, and the same as the rate-limit fields need it. @throws NotFoundProblem */
  async get(userId: number): Promise<{ quota: QuotaDto; state: QuotaState }> {
    const found = await this.read(userId);
    // What rolls over is there once the day is closed: then it is shown as it is.
    const row = found.toRoll ? await this.transactions.run((tx) => this.open(tx, userId)) : found;
    return { quota: toDto(row), state: toState(row) };
  }

  /** One item a day. @param reader where it is read; default: the primary @throws NotFoundProblem, ValidationProblem for days out of order or more than 366 of them */
  async usage(userId: number, { from, to }: UsageQuery, reader?: EntityManager): Promise<UsageItemDto[]> {
    const row = await this.read(userId, reader);
    const last = day(to ?? row.day, '#/query/to');
    const first = from === undefined ? last - 29 : day(from, '#/query/from');
    const pointer = '#/query/from';
    if (first > last) throw new ValidationProblem([{ pointer, detail: 'is after `to`', code: 'out-of-order' }]);
    if (last - first >= MAX_USAGE_DAYS) {
      throw new ValidationProblem([{ pointer, detail: `is more than ${MAX_USAGE_DAYS} days before \`to\``, code: 'too-long' }]);
    }
    return this.repository.usage(userId, from ?? null, to ?? null, reader);
  }

  /** Sets a temporary quota in place of any other. @throws NotFoundProblem, ValidationProblem when it would be over already, or is both a number and unlimited */
  async putOverride(actor: Actor, userId: number, dto: PutOverrideDto): Promise<QuotaDto> {
    assertEitherOr(dto);
    return this.transactions.run(async (tx) => {
      const before = await this.open(tx, userId);
      const overrideExpiresAt = new Date(dto.expiresAt);
      if (overrideExpiresAt <= before.now) {
        throw new ValidationProblem([{ pointer: '#/expiresAt', detail: 'is in the past', code: 'in-the-past' }]);
      }
      const overrideUnlimited = dto.unlimited ?? false;
      await tx.update(
        User,
        { id: userId },
        {
          overrideDaily: overrideUnlimited ? null : (dto.dailyQuota ?? 0),
          overrideUnlimited,
          overrideExpiresAt,
          overrideReason: dto.reason,
          overrideAuthor: actor.id,
        },
      );
      const after = await this.read(userId, tx);
      await this.record(tx, actor, 'quota.override', userId, overrideOf(before), overrideOf(after), dto.reason);
      return toDto(after);
    });
  }

  /** Ends the override now; nothing happens when none is active. @throws NotFoundProblem */
  async deleteOverride(actor: Actor, userId: number): Promise<void> {
    await this.transactions.run(async (tx) => {
      const before = await this.open(tx, userId);
      const none = { overrideDaily: null, overrideUnlimited: false, overrideExpiresAt: null, overrideReason: null, overrideAuthor: null };
      await tx.update(User, { id: userId }, none);
      if (before.overridden) await this.record(tx, actor, 'quota.override-end', userId, overrideOf(before), null, null);
    });
  }

  /** Gives back all that was charged in this period, in the ledger too. @throws NotFoundProblem */
  async reset(actor: Actor, userId: number, reason: string): Promise<QuotaDto> {
    return this.transactions.run(async (tx) => {
      const before = await this.open(tx, userId);
      await this.closeOut.refundPeriod(tx, userId);
      const after = await this.read(userId, tx);
      await this.record(tx, actor, 'quota.reset', userId, { used: before.used }, { used: after.used }, reason);
      return toDto(after);
    });
  }

  private async read(userId: number, tx?: EntityManager): Promise<QuotaRow> {
    const row = await this.repository.find(userId, tx);
    if (row === null) throw new NotFoundProblem('user');
    return row;
  }

  private async open(tx: EntityManager, userId: number): Promise<QuotaRow> {
    if (!(await this.closeOut.openPeriod(tx, userId))) throw new NotFoundProblem('user');
    return this.read(userId, tx);
  }

  private record(
    tx: EntityManager,
    actor: Actor,
    action: string,
    userId: number,
    before: object | null,
    after: object | null,
    reason: string | null,
  ): Promise<void> {
    return this.audit.record(tx, actor, { action, target: ['user', userId], before, after, reason });
  }
}

function day(date: string, pointer: string): number {
  const instant = Date.parse(`${date}T00:00:00Z`);
  // Years before 1970 hold nothing, and the year 0000 is none to PostgreSQL.
  if (instant >= 0 && new Date(instant).toJSON().startsWith(date)) return instant / DAY_MS;
  throw new ValidationProblem([{ pointer, detail: 'is not a day of the calendar', code: 'no-such-day' }]);
}

function toDto(row: QuotaRow): QuotaDto {
  const { unlimited, quota, used, granted, grants, tier, zone, startsAt, endsAt, next, adjusted } = row;
  return {
    limit: unlimited ? null : quota,
    unlimited,
    used,
    remaining: unlimited ? null : unitsLeft(toState(row)),
    periodStart: startsAt,
    resetsAt: endsAt,
    timeZone: zone,
    dayStartsAt: row.dayStartsAt,
    tier,
    ...limitsOf(row),
    ...(grants === null ? {} : { grants: { remaining: Math.min(granted, MAX_INTEGER), items: grants } }),
    ...overageOf(row),
    ...(row.inFlight === null ? {} : { inFlight: row.inFlight }),
    ...(row.shadow ? { shadow: true } : {}),
    override: overrideOf(row),
    next,
    exhaustedAt: exhaustedAt(row),
    adjusted,
  };
}

function limitsOf({ limits }: QuotaRow): Pick<QuotaDto, 'limits'> {
  if (limits === null) return {};
  return {
    limits: limits.map(({ name, period, types, limit, used, startsAt, endsAt }) => ({
      ...{ name, period, types, limit, used, remaining: Math.max(0, limit - used) },
      ...{ periodStart: new Date(startsAt), resetsAt: new Date(endsAt) },
    })),
  };
}

function overageOf({ overage, overageUsed }: QuotaRow): Pick<QuotaDto, 'overage'> {
  if (overage === null && overageUsed === 0) return {};
  return { overage: { used: overageUsed, max: overage === null ? 0 : (overage.max ?? null) } };
}

function overrideOf(row: QuotaRow): QuotaOverrideDto | null {
  if (!row.overridden || row.overrideExpiresAt === null) return null;
  const { overrideDaily, overrideUnlimited, overrideExpiresAt, overrideReason, overrideAuthor } = row;
  return {
    dailyQuota: overrideDaily,
    unlimited: overrideUnlimited,
    expiresAt: overrideExpiresAt,
    reason: overrideReason ?? '',
    author: overrideAuthor,
  };
}

/** At the pace of this period until now. Null too while the clock is set back to before the period: then there is no pace. */
function exhaustedAt(row: QuotaRow): Date | null {
  const { unlimited, used, startsAt, endsAt, now } = row;
  if (unlimited || used <= 0) return null;
  const left = unitsLeft(toState(row));
  if (left === 0) return now;
  const elapsedMs = now.getTime() - startsAt.getTime();
  if (elapsedMs < 0) return null;
  const at = new Date(now.getTime() + (left * elapsedMs) / used);
  return at < endsAt ? at : null;
}

function toState({ unlimited, quota, used, granted, tier, zone, startsAt, endsAt, now, limits }: QuotaRow): QuotaState {
  const state = { unlimited, quota, used, granted, tier, zone, startsAt: startsAt.getTime(), endsAt: endsAt.getTime(), now: now.getTime() };
  return limits === null ? state : { ...state, limits };
}
