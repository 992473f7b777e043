import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type FindOptionsWhere, Not } from 'typeorm';
import { randomUUID } from 'node:crypto';
import { AuditService } from '../audit/audit.service';
import { violatedConstraint } from '../common/database-errors';
import { definedOnly } from '../common/defined-only';
import { jsonDiff } from '../common/json-diff';
import { type Actor, type Role } from '../common/principal';
import { TimeZones } from '../database/time-zones';
import { Transactions } from '../database/transactions';
import { assertMatch, etagOf } from '../http/etag';
import { type ListQuery } from '../http/list-query.dto';
import { cursorAt, cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { OutboxService } from '../outbox/outbox.service';
import { PasswordsService } from '../passwords/passwords.service';
import { SettingsService } from '../settings/settings.service';
import { AddressProofsService } from '../proofs/address-proofs.service';
import { DefaultTierService } from '../tiers/default-tier.service';
import { assertEitherOr } from '../tiers/either-or';
import { Tier } from '../tiers/entities/tier.entity';
import { audited } from './audited-user';
import { CreateUserDto } from './dto/create-user.dto';
import { ListUsersQuery } from './dto/list-users.dto';
import { type TierChangeDto } from './dto/tier-change.dto';
import { UserDto } from './dto/user.dto';
import { User } from './entities/user.entity';
import { assertMetadata } from './metadata';
import { UserAttributesRepository } from './user-attributes.repository';
import { UserRemovalService } from './user-removal.service';
import { EmailTaken, ExternalIdTaken, LastAdmin, WrongPassword } from './users.errors';
import { type LoginAccount, UsersRepository } from './users.repository';
import { UserSettings } from './users.settings';

/** An account as the log keeps it: a change of plan that waits by two members of its own. */
export type RecordedUser = Omit<UserDto, 'next'> & { nextTier?: string | null; nextTierAt?: Date | null };

/**
 * Accounts. Always true: an address belongs to one account whatever its case, an account's quota is its tier's unless an
 * operator gave it a number, and there is an administrator left.
 */
@Injectable()
export class UsersService {
  constructor(
    private readonly repository: UsersRepository,
    private readonly attributes: UserAttributesRepository,
    private readonly settings: SettingsService,
    private readonly zones: TimeZones,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly passwords: PasswordsService,
    private readonly removal: UserRemovalService,
    private readonly defaultTier: DefaultTierService,
    private readonly outbox: OutboxService,
    private readonly proofs: AddressProofsService,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  /** @throws NotFoundProblem */
  async get(id: number, tx?: EntityManager): Promise<UserDto> {
    const user = await this.repository.find(id, tx);
    if (user === null) throw new NotFoundProblem('user');
    return user;
  }

  /** Whether there is any account. */
  any(): Promise<boolean> {
    return this.dataSource.manager.existsBy(User, { status: Not('deleted' as const) });
  }

  /** A participant: the id of the account behind an address; null: there is none. */
  idBehind(tx: EntityManager, email: string): Promise<number | null> {
    return this.repository.idByEmail(email, tx);
  }

  /** What a session of the account begins with; null: it is not active. */
  async sessionOwner(id: number): Promise<{ id: number; tokenVersion: number } | null> {
    const user = await this.dataSource.manager.findOneBy(User, { id, status: 'active' });
    return user === null ? null : { id, tokenVersion: user.tokenVersion };
  }

  /** The account behind an address, whatever its case. */
  accountBehind(email: string): Promise<LoginAccount | null> {
    return this.repository.accountBehind(email);
  }

  /**
   * Holds the caller to the account's password, and returns its hash. The account is read only when the attempt is not one too many.
   * @throws NotFoundProblem, WrongPassword, TooManyAttempts, HashingBusy
   */
  async assertOwner(id: number, password: string | undefined, network: string): Promise<string> {
    let hash = '';
    const right = await this.passwords.prove({ account: sessionAccount(id), network }, password ?? '', async () => {
      const user = await this.dataSource.manager.findOneBy(User, { id, status: Not('deleted' as const) });
      if (user === null) throw new NotFoundProblem('user');
      return (hash = user.passwordHash);
    });
    if (!right) throw new WrongPassword();
    return hash;
  }

  /** A participant: sets the hash and ends what was issued before; false: no account fits the guard, or it is a program's. */
  async setPassword(tx: EntityManager, guard: FindOptionsWhere<User> & { id: number }, passwordHash: string): Promise<boolean> {
    if (await this.repository.isServiceAccount(tx, guard.id)) return false;
    const { affected } = await tx.update(User, guard, { passwordHash, tokenVersion: () => 'token_version + 1', updatedAt: () => 'now()' });
    return affected === 1;
  }

  /** @param from where it is read; default: the primary */
  async list(query: ListUsersQuery, from?: EntityManager): Promise<Page<UserDto>> {
    const { limit: _, cursor, ...chosen } = query;
    const filters = { list: 'users', ...chosen };
    const after = Number(cursorPosition(cursor, filters) ?? 0);
    const size = pageSize(query);
    const candidates = await this.repository.candidates(query, after, from);
    const rows = await this.repository.list(query, candidates, size + 1, from);
    const page = toPage(
      rows,
      size,
      filters,
      (user) => String(user.id),
      (user) => user,
    );
    if (page.nextCursor !== null || (query.tier ?? query.quotaUsedAtLeast ?? query.metadata) === undefined) return page;
    const last = await this.repository.lastLookedAt(query, candidates, from);
    return last === null ? page : { ...page, nextCursor: cursorAt(String(last), filters) };
  }

  /** Changes of plan that wait, by user. */
  async tierChanges(query: ListQuery): Promise<Page<TierChangeDto>> {
    const chosen = { list: 'tier-changes' };
    const size = pageSize(query);
    const rows = await this.repository.tierChanges(Number(cursorPosition(query.cursor, chosen) ?? 0), size + 1);
    const page = toPage(
      rows,
      size,
      chosen,
      ({ userId }) => String(userId),
      (row) => row,
    );
    return { ...page, items: page.items.filter(({ waiting }) => waiting).map(({ waiting: _, ...change }) => change) };
  }

  /**
   * Makes an account. `actor` null: the person registers, from `network`.
   * @throws EmailTaken, ExternalIdTaken, ValidationProblem for metadata that is too large, a short password, an unknown zone, a number beside `unlimited` or a tier that is not offered
   */
  async create(actor: Actor | null, dto: CreateUserDto, call: IdempotentCall | null = null, network = 'none'): Promise<UserDto> {
    this.assertPassword(dto.password, '#/password');
    this.assertZone(dto.timeZone);
    assertEitherOr(dto);
    const { externalId = null, metadata = {} } = dto;
    assertMetadata(metadata);
    const owner = { find: (tx?: EntityManager) => this.repository.idByEmail(dto.email, tx), of: ({ id }: UserDto) => id };
    if (call !== null) await this.idempotency.assertNew(call, { owner });
    const passwordHash = await this.passwords.hash(actor === null ? `network ${network}` : `user ${actor.id}`, dto.password);
    const insert = async (tx: EntityManager) => {
      const tier = await (dto.tier == null ? this.tierOfNewUsers(tx) : this.offeredTier(tx, dto.tier));
      const custom = typeof dto.dailyQuota === 'number' || dto.unlimited === true;
      const unlimited = custom ? dto.unlimited === true : tier.unlimited;
      const dailyQuota = unlimited ? null : custom ? (dto.dailyQuota ?? null) : tier.dailyQuota;
      const { email, role, timeZone = null } = dto;
      const id = await this.repository
        .insert(tx, { email, passwordHash, role: role ?? 'user', tier: tier.name, dailyQuota, unlimited, custom, timeZone })
        .catch(emailTaken);
      if (dto.externalId != null || dto.metadata !== undefined) await this.attributes.put(tx, id, { externalId, metadata }).catch(externalIdTaken);
      if (this.proofs.wanted && role !== 'admin') await this.proofs.mailLink(tx, 'verify-email', id, email);
      const user = await this.get(id, tx);
      if (actor) await this.audit.record(tx, actor, { action: 'user.create', target: ['user', id], after: audited(user) });
      await this.outbox.record(tx, { type: 'user.created', userId: id, data: userData(user) });
      return user;
    };
    return this.idempotency.transaction(call, insert, { owner });
  }

  /**
   * A participant: makes an account for somebody whom an identity provider vouches for. It has no password, an address that nobody can mail
   * to, and the subject as its external id where that is free.
   */
  async createForIdentity(tx: EntityManager, actor: Actor, subject: string): Promise<number> {
    return this.createWithoutPassword(tx, actor, `${randomUUID()}@identity.invalid`, (id) => this.attributes.claimExternalId(tx, id, subject));
  }

  /** A participant: makes an account for somebody whose address an identity provider has proven. It has no password until its owner sets one. @throws EmailTaken */
  async createForPerson(tx: EntityManager, actor: Actor, email: string): Promise<number> {
    return this.createWithoutPassword(tx, actor, email, (id) => this.proofs.vouchedFor(tx, id, email));
  }

  /** A participant: makes an account for a program, which has no password and an address that nobody can mail to. */
  async createForService(tx: EntityManager, actor: Actor, role: Role): Promise<number> {
    return this.createWithoutPassword(tx, actor, `${randomUUID()}@service-accounts.invalid`, () => Promise.resolve(), role);
  }

  private async createWithoutPassword(
    tx: EntityManager,
    actor: Actor,
    email: string,
    complete: (id: number) => Promise<void>,
    role: Role = 'user',
  ): Promise<number> {
    const { name, dailyQuota, unlimited } = await this.tierOfNewUsers(tx);
    const account = { email, passwordHash: '!', role, tier: name, dailyQuota, unlimited, custom: false, timeZone: null };
    const id = await this.repository.insert(tx, account).catch(emailTaken);
    await complete(id);
    const user = await this.get(id, tx);
    await this.audit.record(tx, actor, { action: 'user.create', target: ['user', id], after: audited(user) });
    await this.outbox.record(tx, { type: 'user.created', userId: id, data: userData(user) });
    return id;
  }

  /**
   * Deletes the account: with the commit it is in no answer and its address is free. What hangs on it goes at once or, when
   * it is much, in batches afterwards. @throws NotFoundProblem, also when `stillApplies` does not; LastAdmin, Problem 412 when `ifMatch` is stale
   * @param stillApplies asked once the account is locked
   */
  async delete(actor: Actor, id: number, ifMatch?: string, stillApplies?: (tx: EntityManager) => Promise<boolean>): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.repository.lockForRemoval(tx, id);
      if (stillApplies && !(await stillApplies(tx))) throw new NotFoundProblem('user');
      const before = await this.get(id, tx);
      assertMatch(ifMatch, etagOf(before));
      if (before.role === 'admin') await this.assertAnotherAdmin(tx, id);
      if (!(await this.removal.mark(tx, id))) throw new NotFoundProblem('user');
      await this.audit.record(tx, actor, { action: 'user.delete', target: ['user', id], before: audited(before) });
      await this.outbox.record(tx, { type: 'user.deleted', userId: id, data: { id, externalId: before.externalId } });
    });
    await this.removal.begin(id);
  }

  /** Records what a change did to an account, field by field; nothing when it did nothing. */
  async recordUpdate(tx: EntityManager, actor: Actor, before: RecordedUser, after: RecordedUser): Promise<void> {
    const changes = jsonDiff(before, after).filter(({ pointer }) => pointer !== '#/updatedAt');
    if (changes.length === 0) return;
    const side = (which: 'before' | 'after') => definedOnly(Object.fromEntries(changes.map((c) => [c.pointer.slice(2), c[which]])));
    await this.audit.record(tx, actor, {
      action: 'user.update',
      target: ['user', after.id],
      before: audited(side('before')),
      after: audited(side('after')),
    });
    const changed = changes.map(({ pointer }) => pointer.slice(2));
    await this.outbox.record(tx, { type: 'user.updated', userId: after.id, data: { ...userData(after), changed } });
  }

  /** Records that the account's password was replaced. */
  async recordPassword(tx: EntityManager, actor: Actor, id: number): Promise<void> {
    await this.audit.record(tx, actor, { action: 'user.password', target: ['user', id] });
    await this.outbox.record(tx, { type: 'user.updated', userId: id, data: { ...userData(await this.get(id, tx)), changed: ['password'] } });
  }

  /** @throws LastAdmin */
  async assertAnotherAdmin(tx: EntityManager, id: number): Promise<void> {
    if (!(await this.repository.anotherAdmin(tx, id))) throw new LastAdmin();
  }

  /** @throws ValidationProblem */
  assertPassword(password: string, pointer: string): void {
    const min = this.settings.get(UserSettings.passwordMinLength);
    if ([...password].length >= min) return;
    throw new ValidationProblem([
      { pointer, detail: `must be at least ${min} characters long, by the setting ${UserSettings.passwordMinLength.key}`, code: 'min-length' },
    ]);
  }

  /** @throws ValidationProblem */
  assertZone(zone: string | null | undefined): void {
    if (zone == null || this.zones.has(zone)) return;
    throw new ValidationProblem([{ pointer: '#/timeZone', detail: 'is not an IANA time zone, such as Europe/Berlin', code: 'unknown-time-zone' }]);
  }

  /** The tier, held so that its quota cannot change before the transaction ends. @throws ValidationProblem */
  async offeredTier(tx: EntityManager, name: string): Promise<Tier> {
    const tier = await tx.findOne(Tier, { where: { name }, lock: { mode: 'pessimistic_read' } });
    if (tier !== null && !tier.archived) return tier;
    throw noSuchTier();
  }

  private async tierOfNewUsers(tx: EntityManager): Promise<Tier> {
    const tier = await this.defaultTier.find(tx);
    if (tier === null) throw noSuchTier();
    return tier;
  }
}

function noSuchTier(): ValidationProblem {
  return new ValidationProblem([{ pointer: '#/tier', detail: 'is not a tier that is offered', code: 'unknown-tier' }]);
}

/** What events show of an account. */
function userData({ id, email, role, status, tier, dailyQuota, unlimited, timeZone, externalId, createdAt, updatedAt }: UserDto): object {
  return { id, email, role, status, tier, dailyQuota, unlimited, timeZone, externalId, createdAt, updatedAt };
}

/** What is tried behind a session counts under a name that no address is: no body holds a NUL. */
function sessionAccount(id: number): string {
  return `\0user ${id}`;
}

/** Both unique indexes mean it: the one on the address as typed, and the one regardless of case. */
export function emailTaken(error: unknown): never {
  throw /^users_email(_lower)?_key$/.test(violatedConstraint(error) ?? '') ? new EmailTaken() : error;
}

export function externalIdTaken(error: unknown): never {
  throw violatedConstraint(error) === 'user_attributes_external_id_key' ? new ExternalIdTaken() : error;
}
