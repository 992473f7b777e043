import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { GRANTED, LIVE_GRANTS, overageOf, shadowOf } from '../ledger/forms.sql';
import { type LimitState } from '../ledger/decision';
import { type LimitPeriod } from '../ledger/entities/quota-limit-usage.entity';
import { limitsOf } from '../ledger/limits.sql';
import { ofAll } from '../ledger/in-flight.sql';
import { type Overage } from '../ledger/entities/user-quota-forms.entity';
import { NEXT_TIER, type NextTier } from '../ledger/next-tier.sql';
import { type InFlightDto, type QuotaGrantDto } from './dto/quota.dto';
import { type UsageItemDto } from './dto/usage.dto';

/** The projection for one user, with what the quota answer shows beside it. */
export interface QuotaRow {
  unlimited: boolean;
  quota: number;
  used: number;
  granted: number;
  grants: QuotaGrantDto[] | null;
  /** How far the quota may be gone beyond; null: not at all. */
  overage: Overage | null;
  overageUsed: number;
  shadow: boolean;
  /** Whether the day is over, and its plan lets unused units roll over. */
  toRoll: boolean;
  tier: string;
  zone: string;
  dayStartsAt: string;
  inFlight: InFlightDto | null;
  day: string;
  startsAt: Date;
  endsAt: Date;
  now: Date;
  overridden: boolean;
  limits: (LimitState & { period: LimitPeriod; types: string[] | null })[] | null;
  overrideDaily: number | null;
  overrideUnlimited: boolean;
  overrideExpiresAt: Date | null;
  overrideReason: string | null;
  overrideAuthor: number | null;
  next: NextTier | null;
  adjusted: ('timeZone' | 'periodZone')[];
}

type StoredDay = Omit<UsageItemDto, 'overage' | 'shadow'> & { overage: number | null; shadow: UsageItemDto['shadow'] | null };

/** What of the user is in flight, where there is a limit of it; null: there is none. */
const IN_FLIGHT = `(SELECT json_build_object('limit', f.ceiling, 'used', f.used)
   FROM quota_in_flight(u.id, ${ofAll('u.max_in_flight', 'quota_plans() -> q.tier::text -> 5')}, NULL) f)`;

@Injectable()
export class QuotasRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(userId: number, tx: EntityManager = this.dataSource.manager): Promise<QuotaRow | null> {
    const rows: QuotaRow[] = await tx.query(
      `SELECT q.unlimited, q.quota, q.used, ${GRANTED} AS granted, ${LIVE_GRANTS} AS grants, ${overageOf('q.tier')} AS overage, ${IN_FLIGHT} AS "inFlight", ${limitsOf('u.id', 'q.tier', 'q.zone')} AS limits,
         CASE WHEN (u.quota_overage_date, u.quota_overage_fold) = (q.day, q.fold) THEN u.quota_overage_today ELSE 0 END AS "overageUsed", ${shadowOf('q.tier')} AS shadow,
         q.closed AND coalesce(quota_plans() -> u.subscription_tier::text -> 5 ? 'rollover', false) AS "toRoll", q.tier, split_part(q.zone, '@', 1) AS zone,
         coalesce(nullif(split_part(q.zone, '@', 2), ''), '00:00') AS "dayStartsAt", q.day::text, q.starts_at AS "startsAt", q.ends_at AS "endsAt", now() AS now,
         q.overridden, u.quota_override_daily AS "overrideDaily", u.quota_override_unlimited AS "overrideUnlimited",
         u.quota_override_expires_at AS "overrideExpiresAt", u.quota_override_reason AS "overrideReason",
         u.quota_override_author AS "overrideAuthor", ${NEXT_TIER} AS next,
         array_remove(ARRAY[CASE WHEN u.time_zone <> split_part(q.zone, '@', 1) THEN 'timeZone' END,
           CASE WHEN NOT q.closed AND u.quota_reset_zone <> q.period_zone THEN 'periodZone' END], NULL) AS adjusted
       FROM quota_now q JOIN users u ON u.id = q.user_id
       WHERE u.id = $1 AND u.status <> 'deleted'`,
      [userId],
    );
    return rows[0] ?? null;
  }

  /**
   * One row for each day, gaps filled with zeros. A day is what was archived for it, and what still stands in the user's
   * row: a day that is over and was not closed out, or the present period as the projection has it.
   */
  async usage(userId: number, from: string | null, to: string | null, reader: EntityManager = this.dataSource.manager): Promise<UsageItemDto[]> {
    const rows: StoredDay[] = await reader.query(
      `WITH me AS (
         SELECT u.quota_reset_date AS stored, u.api_quota_used_today, u.api_quota_refunded_today, u.api_quota_requests_today, q.*
         FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) q WHERE u.id = $1
       ), day AS (
         SELECT d::date AS date FROM me, generate_series(
           coalesce($2::date, coalesce($3::date, me.day) - 29), coalesce($3::date, me.day), interval '1 day') d
       ), part AS (
         SELECT date, quota AS quota, used, refunded, requests FROM quota_usage WHERE user_id = $1
         UNION ALL
         SELECT stored, closed_quota, api_quota_used_today, api_quota_refunded_today, api_quota_requests_today FROM me WHERE closed
         UNION ALL
         SELECT day, CASE WHEN NOT unlimited THEN quota END, used, refunded, requests FROM me
       )
       SELECT d.date::text AS date,
         CASE WHEN count(p.date) > 0 THEN max(p.quota) ELSE (SELECT CASE WHEN NOT unlimited THEN quota END FROM me) END AS "limit",
         coalesce(sum(p.used), 0)::float8 AS used, coalesce(sum(p.refunded), 0)::float8 AS refunded,
         coalesce(sum(p.requests), 0)::integer AS requests,
         (SELECT least(sum(o.units), 2147483647)::integer FROM quota_overage o WHERE o.user_id = $1 AND o.date = d.date AND o.units > 0 HAVING count(*) > 0) AS overage,
         (SELECT json_build_object('requests', sum(o.shadow_requests), 'units', least(sum(o.shadow_units), 2147483647)) FROM quota_overage o
          WHERE o.user_id = $1 AND o.date = d.date AND o.shadow_requests > 0 HAVING count(*) > 0) AS shadow
       FROM day d LEFT JOIN part p ON p.date = d.date GROUP BY d.date ORDER BY d.date`,
      [userId, from, to],
    );
    return rows.map(({ overage, shadow, ...day }) => ({ ...day, ...(overage === null ? {} : { overage }), ...(shadow === null ? {} : { shadow }) }));
  }
}
