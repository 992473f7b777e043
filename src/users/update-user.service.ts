import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { type Caller } from '../common/access.decorators';
import { type Actor, type Principal, type Role } from '../common/principal';
import { Transactions } from '../database/transactions';
import { assertMatch, etagOf } from '../http/etag';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { assertEitherOr } from '../tiers/either-or';
import { Tier } from '../tiers/entities/tier.entity';
import { UpdateUserDto } from './dto/update-user.dto';
import { EmailChangeService } from './email-change.service';
import { UserDto, UserPreviewDto } from './dto/user.dto';
import { User, type UserStatus } from './entities/user.entity';
import { assertMetadata, mergedMetadata } from './metadata';
import { UserAttributesRepository } from './user-attributes.repository';
import { UserDeparturesRepository } from './user-departures.repository';
import { AdminFields } from './users.errors';
import { UsersRepository } from './users.repository';
import { emailTaken, externalIdTaken, type RecordedUser, UsersService } from './users.service';

const ADMIN_FIELDS = ['tier', 'effective', 'effectiveOn', 'dailyQuota', 'unlimited', 'maxInFlight', 'role', 'status', 'externalId'] as const;

/** Ten years. */
const MAX_DAYS_AHEAD = 3_653;

/**
 * Changes to an account. Always true: the day that is over is archived before anything that its record depends on
 * changes; more quota acts now and keeps what was used, less acts at the next period unless the operator asks for now.
 */
@Injectable()
export class UpdateUserService {
  constructor(
    private readonly accounts: UsersService,
    private readonly repository: UsersRepository,
    private readonly attributes: UserAttributesRepository,
    private readonly emails: EmailChangeService,
    private readonly departures: UserDeparturesRepository,
    private readonly transactions: Transactions,
  ) {}

  /** @throws NotFoundProblem, AdminFields, WrongPassword, ValidationProblem, EmailTaken, ExternalIdTaken, LastAdmin, TooManyAttempts, HashingBusy, Problem 412 when `ifMatch` is stale */
  async update({ principal, actor, network }: Caller, id: number, dto: UpdateUserDto, ifMatch?: string): Promise<UserDto> {
    await this.assertAllowed(principal, network, id, dto);
    if (dto.email !== undefined) this.emails.count(principal, id, dto.email);
    return this.transactions.run((tx) => this.apply(tx, actor, id, dto, ifMatch));
  }

  /** What `update` would do: it is done and taken back. */
  async preview({ principal, actor, network }: Caller, id: number, dto: UpdateUserDto, ifMatch?: string): Promise<UserPreviewDto> {
    await this.assertAllowed(principal, network, id, dto);
    return this.transactions.tryOut(async (tx) => {
      const after = await this.apply(tx, actor, id, dto, ifMatch);
      const { now, ...outlook } = await this.repository.outlook(tx, id);
      return { ...after, ...outlook, effectiveAt: after.next?.effectiveAt ?? now };
    });
  }

  /** A participant: gives the account another plan, as an administrator's change would. @throws ValidationProblem when it is not offered */
  async changeTier(tx: EntityManager, actor: Actor, id: number, tier: string): Promise<void> {
    await this.apply(tx, actor, id, { tier });
  }

  /** Has the change of plan that waits not happen; nothing happens when none does. @throws NotFoundProblem */
  async cancelTierChange(actor: Actor, id: number): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.repository.openPeriod(tx, id);
      const before = await this.accounts.get(id, tx);
      if (before.next === undefined) return;
      await tx.update(User, { id }, { nextTier: null, nextTierFrom: null, updatedAt: () => 'now()' });
      const after = await this.accounts.get(id, tx);
      await this.accounts.recordUpdate(tx, actor, withChange(before), withChange(after));
    });
  }

  /** A participant: gives the account another role, as an administrator's change would. @throws LastAdmin */
  async changeRole(tx: EntityManager, actor: Actor, id: number, role: Role): Promise<void> {
    await this.apply(tx, actor, id, { role });
  }

  /** A participant: suspends the account or lets it be active again, as an administrator's change would. @throws LastAdmin */
  async changeStatus(tx: EntityManager, actor: Actor, id: number, status: UserStatus): Promise<void> {
    await this.apply(tx, actor, id, { status });
  }

  private async assertAllowed(principal: Principal, network: string, id: number, dto: UpdateUserDto): Promise<void> {
    this.accounts.assertZone(dto.timeZone);
    assertEitherOr(dto);
    assertDated(dto);
    if (principal.isAdmin) return;
    const forbidden = ADMIN_FIELDS.filter((field) => dto[field] !== undefined);
    if (forbidden.length > 0) throw new AdminFields(forbidden);
    if (dto.email === undefined) return;
    await this.accounts.assertOwner(id, dto.currentPassword, network);
  }

  private async apply(tx: EntityManager, actor: Actor, id: number, dto: UpdateUserDto, ifMatch?: string): Promise<UserDto> {
    // The tier first, then the user: the order in which editing a tier locks them.
    const offered = dto.tier === undefined ? null : await this.accounts.offeredTier(tx, dto.tier);
    await this.repository.openPeriod(tx, id);
    const before = await this.accounts.get(id, tx);
    assertMatch(ifMatch, etagOf(before));
    const user = await tx.findOneBy(User, { id });
    if (user === null) throw new NotFoundProblem('user');
    if (dto.email !== undefined && (await this.repository.isServiceAccount(tx, id))) throw noAddress();
    const losesAdmin = user.role === 'admin' && ((dto.role ?? 'admin') !== 'admin' || dto.status === 'suspended');
    if (losesAdmin) await this.accounts.assertAnotherAdmin(tx, id);
    if (dto.effectiveOn !== undefined) await this.assertAhead(tx, user, dto.effectiveOn);
    const changes: Partial<User> = { ...(await quotaChanges(tx, user, dto, offered)) };
    const waits = dto.email !== undefined && !(await this.emails.apply(tx, user, dto.email, actor.id === id));
    if (!waits && dto.email !== undefined) changes.email = dto.email;
    if (dto.timeZone !== undefined) changes.timeZone = dto.timeZone;
    if (dto.maxInFlight !== undefined) changes.maxInFlight = dto.maxInFlight;
    if (dto.role !== undefined) changes.role = dto.role;
    if (dto.status !== undefined) changes.status = dto.status;
    // A session does not come back with the account: whoever was suspended logs in again.
    if (dto.status === 'suspended') changes.tokenVersion = user.tokenVersion + 1;
    if (dto.status === 'active') await this.departures.forget(tx, id);
    const attributes = changedAttributes(before, dto);
    if (Object.keys(changes).length === 0 && attributes === null && !waits) return before;
    if (attributes !== null) await this.attributes.put(tx, id, attributes).catch(externalIdTaken);
    await tx.update(User, { id }, { ...changes, updatedAt: () => 'now()' }).catch(emailTaken);
    const after = await this.accounts.get(id, tx);
    await this.accounts.recordUpdate(tx, actor, withChange(before), withChange(after));
    return after;
  }

  /** @throws ValidationProblem for a day that has begun, or one too far away to mean anything */
  private async assertAhead(tx: EntityManager, user: User, day: string): Promise<void> {
    const daysAhead = await this.repository.daysAhead(tx, user.id, day);
    if (daysAhead <= 0) throw new ValidationProblem([{ pointer: '#/effectiveOn', detail: 'is not after the running day', code: 'in-the-past' }]);
    if (daysAhead > MAX_DAYS_AHEAD) throw new ValidationProblem([{ pointer: '#/effectiveOn', detail: 'is more than ten years away', code: 'too-far' }]);
  }
}

function noAddress(): ValidationProblem {
  return new ValidationProblem([{ pointer: '#/email', detail: 'is of a service account, which has no address', code: 'service-account' }]);
}

/** As the log keeps it: what waits by its own two members. */
function withChange({ next, ...user }: UserDto): RecordedUser {
  return { ...user, nextTier: next?.tier ?? null, nextTierAt: next?.effectiveAt ?? null };
}

/** A date is one of a change of plan, and there is one way to state when. @throws ValidationProblem */
function assertDated({ tier, effective, effectiveOn }: UpdateUserDto): void {
  if (effectiveOn === undefined) return;
  const wrong = (detail: string, code: string) => new ValidationProblem([{ pointer: '#/effectiveOn', detail, code }]);
  if (tier === undefined) throw wrong('is the date of a change of `tier`, which is missing', 'without-tier');
  if (effective !== undefined) throw wrong('stands beside `effective`: give one of the two', 'either-or');
}

/** External id and metadata as they will be; null: as they are. */
function changedAttributes({ externalId, metadata }: UserDto, dto: UpdateUserDto): Pick<UserDto, 'externalId' | 'metadata'> | null {
  if (dto.externalId === undefined && dto.metadata === undefined) return null;
  const next = mergedMetadata(metadata, dto.metadata ?? {});
  assertMetadata(next);
  return { externalId: dto.externalId === undefined ? externalId : dto.externalId, metadata: next };
}

/** What the change of tier and of the user's own number means for the row. */
async function quotaChanges(tx: EntityManager, user: User, dto: UpdateUserDto, offered: Tier | null): Promise<Partial<User>> {
  const changes: Partial<User> = {};
  if (offered) {
    const waits = dto.effectiveOn !== undefined || (dto.effective ? dto.effective === 'next-period' : isDowngrade(user, offered));
    changes.nextTier = waits ? offered.name : null;
    changes.nextTierFrom = dto.effectiveOn ?? null;
    changes.nextQuotaDaily = waits ? offered.dailyQuota : null;
    changes.nextQuotaUnlimited = waits && offered.unlimited;
    if (!waits) changes.tier = offered.name;
  }
  const ownNumber = typeof dto.dailyQuota === 'number' || dto.unlimited === true;
  if (ownNumber) {
    const unlimited = dto.unlimited === true;
    return { ...changes, quotaCustom: true, quotaUnlimited: unlimited, ...(unlimited ? {} : { quotaDaily: dto.dailyQuota ?? 0 }) };
  }
  const backToTier = dto.dailyQuota === null || dto.unlimited === false;
  if (backToTier) changes.quotaCustom = false;
  if ((offered && changes.tier !== undefined && !user.quotaCustom) || backToTier) {
    const name = changes.tier ?? user.tier;
    const tier = offered?.name === name ? offered : await tx.findOneByOrFail(Tier, { name });
    changes.quotaUnlimited = tier.unlimited;
    if (tier.dailyQuota !== null) changes.quotaDaily = tier.dailyQuota;
  }
  return changes;
}

/** Less quota than now. A user with a number of their own keeps it either way, so nothing is taken from them. */
function isDowngrade(user: User, offered: Tier): boolean {
  if (user.quotaCustom || offered.unlimited) return false;
  return user.quotaUnlimited || (offered.dailyQuota ?? 0) < user.quotaDaily;
}
