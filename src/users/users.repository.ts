import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { NEXT_TIER } from '../ledger/next-tier.sql';
import { type ListUsersQuery } from './dto/list-users.dto';
import { type TierChangeDto } from './dto/tier-change.dto';
import { type UserDto } from './dto/user.dto';
import { type UserStatus } from './entities/user.entity';
import { UserAttributesRepository } from './user-attributes.repository';

const USER = `u.id, u.email, coalesce(p.proven_email = lower(u.email COLLATE "C"), false) AS "emailVerified", p.pending_email AS "pendingEmail", u.role, u.status, q.tier, ${NEXT_TIER} AS next, CASE WHEN q.base_unlimited THEN NULL ELSE q.base_quota END AS "dailyQuota",
  q.base_unlimited AS unlimited, u.max_in_flight AS "maxInFlight", u.time_zone AS "timeZone", a.external_id AS "externalId", coalesce(a.metadata, '{}') AS metadata, u.created_at AS "createdAt", u.updated_at AS "updatedAt", d.removal_due_at AS "removalDueAt",
  CASE WHEN u.time_zone <> split_part(q.zone, '@', 1) THEN ARRAY['timeZone'] ELSE '{}' END AS adjusted`;
/** What the projection needs besides the row; read once a statement. */
const RULES = `(SELECT quota_default_zone()), (SELECT quota_plans())`;
const ATTRIBUTES = `LEFT JOIN user_attributes a ON a.user_id = u.id LEFT JOIN address_proofs p ON p.user_id = u.id LEFT JOIN user_departures d ON d.user_id = u.id`;
const FROM_USERS = `FROM users u CROSS JOIN LATERAL quota_of(u, ${RULES}) q ${ATTRIBUTES}`;

/** The first four bytes of sha256('quotidian administrators'). */
const ADMINS_LOCK = 1_586_923_458;

export interface NewUser {
  email: string;
  passwordHash: string;
  role: string;
  tier: string;
  dailyQuota: number | null;
  unlimited: boolean;
  custom: boolean;
  timeZone: string | null;
}

/** What a login asks of an account. */
export interface LoginAccount {
  id: number;
  passwordHash: string;
  status: UserStatus;
  tokenVersion: number;
}

export interface Outlook {
  now: Date;
  remainingToday: number | null;
  nextDailyQuota: number | null;
}

/** Which accounts a page of the list looks at. */
export interface Candidates {
  afterId: number;
  /** The names that rows of the tier's users bear; null: of any. */
  tiers: string[] | null;
  /** By what stands beside the accounts; null: any. */
  ids: number[] | null;
  /** Where the look at what stands beside them goes on; null: these are all. */
  goesOnAfter: number | null;
}

/** Accounts as the projection shows them: a tier that waited for a period that has begun is the tier. Deleted ones are not shown. */
@Injectable()
export class UsersRepository {
  constructor(
    private readonly dataSource: DataSource,
    private readonly attributes: UserAttributesRepository,
  ) {}

  async find(id: number, tx: EntityManager = this.dataSource.manager): Promise<UserDto | null> {
    const rows: ReadUser[] = await tx.query(`SELECT ${USER} ${FROM_USERS} WHERE u.id = $1 AND u.status <> 'deleted'`, [id]);
    return rows[0] === undefined ? null : shown(rows[0]);
  }

  async idByEmail(email: string, tx: EntityManager = this.dataSource.manager): Promise<number | null> {
    const rows: { id: number }[] = await tx.query(`SELECT id FROM users WHERE lower(email COLLATE "C") = lower($1 COLLATE "C")`, [email]);
    return rows[0]?.id ?? null;
  }

  /** The account behind an address, whatever its case: one statement, be there one or not. */
  async accountBehind(email: string): Promise<LoginAccount | null> {
    const rows: LoginAccount[] = await this.dataSource.query(
      `SELECT id, password_hash AS "passwordHash", status, token_version AS "tokenVersion"
       FROM users WHERE lower(email COLLATE "C") = lower($1 COLLATE "C")`,
      [email],
    );
    return rows[0] ?? null;
  }

  /**
   * By id, of the next `LONGEST_LOOK` accounts that an index finds: the projection, which decides, is asked for no others, so
   * a page costs the same however many accounts there are.
   */
  async list(query: ListUsersQuery, candidates: Candidates, count: number, from: EntityManager = this.dataSource.manager): Promise<UserDto[]> {
    const { text, values } = candidatesText(query, candidates);
    const place = (value: unknown) => `$${values.push(value)}`;
    const conditions = ['true'];
    if (query.tier !== undefined) {
      conditions.push(`q.tier = ${place(query.tier)}`);
      // A change of plan whose day has not come anywhere needs no projection to be seen not to count.
      conditions.push(
        `(u.subscription_tier = ANY (${place(candidates.tiers)}::text[]) OR coalesce(u.next_tier_from <= (now() AT TIME ZONE 'Etc/GMT-14')::date, true))`,
      );
    }
    if (query.quotaUsedAtLeast !== undefined) conditions.push(usedShare(place(query.quotaUsedAtLeast)));
    const rows: ReadUser[] = await from.query(
      `SELECT ${USER} FROM (${text}) u CROSS JOIN LATERAL quota_of(u.account, ${RULES}) q ${ATTRIBUTES}
       WHERE ${conditions.join(' AND ')} ORDER BY u.id LIMIT ${place(count)}`,
      values,
    );
    return rows.map(shown);
  }

  /** Where a page that is not full goes on: the last id that it looked at; null: there are no more. */
  async lastLookedAt(query: ListUsersQuery, candidates: Candidates, from: EntityManager = this.dataSource.manager): Promise<number | null> {
    const { text, values } = candidatesText(query, candidates);
    const [{ last, looked }] = await from.query<[{ last: number; looked: number }]>(
      `SELECT max(u.id) AS last, count(*)::integer AS looked FROM (${text}) u`,
      values,
    );
    return looked < MAX_LOOKED_AT ? candidates.goesOnAfter : last;
  }

  /** What narrows the list beside the columns of `users`, for the page after an id. */
  async candidates({ tier, externalId, metadata }: ListUsersQuery, afterId: number, from: EntityManager = this.dataSource.manager): Promise<Candidates> {
    const tiers = await this.namesOf(tier, from);
    const byExternalId = externalId === undefined ? null : await this.attributes.idsByExternalId(externalId, from);
    if (metadata === undefined) return { afterId, tiers, ids: byExternalId, goesOnAfter: null };
    const { ids, goesOnAfter } = await this.attributes.idsByMetadata(metadata, afterId, from);
    if (byExternalId === null) return { afterId, tiers, ids, goesOnAfter };
    return { afterId, tiers, ids: byExternalId.filter((id) => ids.includes(id)), goesOnAfter };
  }

  /** The names that rows of the tier's users bear: its own, and earlier ones that are not replaced yet. */
  private async namesOf(tier: string | undefined, from: EntityManager): Promise<string[] | null> {
    if (tier === undefined) return null;
    const rows: { name: string }[] = await from.query(
      `SELECT t.name FROM subscription_tiers t LEFT JOIN subscription_tiers p ON p.id = t.alias_of WHERE coalesce(p.name, t.name) = $1`,
      [tier],
    );
    return rows.map(({ name }) => name);
  }

  /** Inserts an account whose first period is the day it is now in its zone. */
  async insert(tx: EntityManager, user: NewUser): Promise<number> {
    const [{ id }] = await tx.query<[{ id: number }]>(
      `INSERT INTO users (email, password_hash, role, subscription_tier, api_quota_daily, api_quota_unlimited, api_quota_custom,
         time_zone, quota_reset_date, quota_reset_zone)
       SELECT $1, $2, $3, $4, coalesce($5, 0), $6, $7, $8, quota_day_at(now(), z.zone), z.zone
       FROM (SELECT quota_zone_of(coalesce($8, quota_default_zone()), $4) AS zone) z
       RETURNING id`,
      [user.email, user.passwordHash, user.role, user.tier, user.dailyQuota, user.unlimited, user.custom, user.timeZone],
    );
    return id;
  }

  /** Makes an account that nobody can log in to for each address that has none, and gives all of them this quota of their own. */
  async ensureMany(emails: string[], dailyQuota: number): Promise<{ email: string; id: number }[]> {
    return this.dataSource.query(
      `WITH known AS (
         UPDATE users SET api_quota_daily = $2, api_quota_unlimited = false, api_quota_custom = true
         WHERE email = ANY ($1::text[]) RETURNING email, id
       ), made AS (
         INSERT INTO users (email, password_hash, subscription_tier, api_quota_daily, api_quota_custom, quota_reset_date)
         SELECT email, '!', (SELECT name FROM subscription_tiers ORDER BY name = 'free' DESC, archived, unlimited, daily_quota LIMIT 1), $2, true, (now() AT TIME ZONE quota_default_zone())::date
         FROM unnest($1::text[]) email WHERE email NOT IN (SELECT email FROM known)
         ON CONFLICT (email) DO UPDATE SET api_quota_daily = excluded.api_quota_daily
         RETURNING *, xmax = 0 AS is_new
       ), recorded AS (
         INSERT INTO events (type, user_id, data)
         SELECT 'user.created', id, jsonb_build_object('id', id, 'email', email, 'role', role, 'status', status, 'tier', subscription_tier, 'dailyQuota', api_quota_daily,
           'unlimited', false, 'timeZone', time_zone, 'externalId', NULL, 'createdAt', to_json(created_at), 'updatedAt', to_json(updated_at))
         FROM made WHERE is_new
       )
       SELECT email, id FROM known UNION ALL SELECT email, id FROM made`,
      [emails, dailyQuota],
    );
  }

  /**
   * Closes the user's day if it is over and locks the row, so that what follows changes the present period. Pins the zone
   * that the running day was reckoned in: changing `time_zone` then starts the next day by the new one, not this one.
   */
  async openPeriod(tx: EntityManager, id: number): Promise<void> {
    await tx.query(`SELECT quota_close_out(ARRAY[$1::integer])`, [id]);
    // Then the row bears what its plan is now, and may be read as it stands.
    await tx.query(`SELECT quota_copy_plans(ARRAY[$1::integer])`, [id]);
    await tx.query(`UPDATE users u SET quota_reset_zone = (quota_of(u, ${RULES})).period_zone WHERE u.id = $1`, [id]);
  }

  /** By how many days a day is after the user's running one. */
  async daysAhead(tx: EntityManager, id: number, day: string): Promise<number> {
    const [{ ahead }] = await tx.query<[{ ahead: number }]>(`SELECT $2::date - quota_reset_date AS ahead FROM users WHERE id = $1`, [id, day]);
    return ahead;
  }

  /** Changes of plan that wait, of users after an id. One that is due is in force, whether or not its row was written since: it is not `waiting` any more. */
  async tierChanges(afterId: number, count: number): Promise<(TierChangeDto & { waiting: boolean })[]> {
    return this.dataSource.query(
      `SELECT u.id AS "userId", u.email, q.tier, c.next, c.next IS NOT NULL AS waiting
       FROM (SELECT u.*, u AS account FROM users u WHERE u.next_subscription_tier IS NOT NULL AND u.status <> 'deleted' AND u.id > $1 ORDER BY u.id LIMIT $2) u
       CROSS JOIN LATERAL quota_of(u.account, ${RULES}) q CROSS JOIN LATERAL (SELECT ${NEXT_TIER} AS next) c ORDER BY u.id`,
      [afterId, count],
    );
  }

  /** What a change would leave: the units left of the present period, and the quota once all of it is in force. */
  async outlook(tx: EntityManager, id: number): Promise<Outlook> {
    const [outlook] = await tx.query<[Outlook]>(
      `SELECT now() AS now, CASE WHEN NOT q.unlimited THEN greatest(q.quota - q.used, 0) END AS "remainingToday",
         CASE WHEN u.api_quota_custom OR u.next_subscription_tier IS NULL THEN CASE WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily END
           WHEN NOT u.next_quota_unlimited THEN u.next_quota_daily END AS "nextDailyQuota"
       FROM quota_now q JOIN users u ON u.id = q.user_id
       WHERE u.id = $1`,
      [id],
    );
    return outlook;
  }

  /** Holds the account's row, so that of two who delete it the second finds it deleted. */
  async lockForRemoval(tx: EntityManager, id: number): Promise<void> {
    await tx.query(`SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE`, [id]);
  }

  /**
   * Whether an active administrator other than this one exists. Whoever takes one away asks here first and one after the other until
   * they commit, so the second of two who demote each other sees what the first did. No rows are locked for it: each of the two has
   * locked the other's already.
   */
  async anotherAdmin(tx: EntityManager, id: number): Promise<boolean> {
    await tx.query(`SELECT pg_advisory_xact_lock($1)`, [ADMINS_LOCK]);
    const rows: unknown[] = await tx.query(
      `SELECT 1 FROM users WHERE role = 'admin' AND status = 'active' AND id <> $1 AND NOT EXISTS (SELECT FROM service_accounts s WHERE s.user_id = users.id) LIMIT 1`,
      [id],
    );
    return rows.length > 0;
  }

  /** Whether the account is a program's: nobody logs in to it. */
  async isServiceAccount(tx: EntityManager, id: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(`SELECT 1 FROM service_accounts WHERE user_id = $1`, [id]);
    return rows.length > 0;
  }
}

type ReadUser = Omit<UserDto, 'next'> & { next: UserDto['next'] | null };

function shown({ next, ...user }: ReadUser): UserDto {
  return next === null ? user : { ...user, next };
}

/** Accounts that one page looks at. A rare kind of account is found in more pages, not in longer ones. */
const MAX_LOOKED_AT = 1_000;

/** The accounts after `afterId` that may be meant, in order of the id, each condition by an index that has that order. */
function candidatesText({ status, email }: ListUsersQuery, { tiers, ids, afterId }: Candidates): { text: string; values: unknown[] } {
  const values: unknown[] = [afterId];
  const place = (value: unknown) => `$${values.push(value)}`;
  const conditions = ['u.id > $1', `u.status <> 'deleted'`];
  // Written out, because the index of suspended accounts is a partial one.
  if (status !== undefined) conditions.push(status === 'suspended' ? `u.status = 'suspended'` : `u.status = 'active'`);
  if (email !== undefined) conditions.push(`lower(u.email COLLATE "C") = lower(${place(email)} COLLATE "C")`);
  if (ids !== null) conditions.push(`u.id = ANY (${place(ids)}::integer[])`);
  const where = (more = 'true') => `(SELECT u.*, u AS account FROM users u WHERE ${[...conditions, more].join(' AND ')} ORDER BY u.id LIMIT ${MAX_LOOKED_AT})`;
  if (tiers === null) return { text: where(), values };
  if (tiers.length === 0) return { text: where('false'), values };
  const all = place(tiers);
  const branches = tiers.flatMap((tier) => {
    const name = place(tier);
    return [where(`u.subscription_tier = ${name}`), where(`u.next_subscription_tier = ${name} AND u.subscription_tier <> ALL (${all}::text[])`)];
  });
  return { text: `${branches.join(' UNION ALL ')} ORDER BY id LIMIT ${MAX_LOOKED_AT}`, values };
}

/**
 * The comparisons with the raw counter only thin out the rows for the projection, which decides: they take any counter of
 * a day that may still run somewhere, against the lowest quota that may be in force, and every quota of zero, which is used
 * up by nothing.
 */
function usedShare(share: string): string {
  const lowest = 'least(u.api_quota_daily, coalesce(u.quota_override_daily, u.api_quota_daily))';
  return `(u.api_quota_used_today >= ${share}::numeric * ${lowest} AND u.quota_reset_date >= (now() AT TIME ZONE 'Etc/GMT+12')::date - 2
      OR ${share} * ${lowest} = 0 OR u.next_subscription_tier IS NOT NULL OR (SELECT quota_plans()) ? u.subscription_tier)
    AND NOT q.unlimited AND q.used >= ${share} * q.quota`;
}
