import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { jsonInstant } from '../../outbox/listened.sql';
import { type KeyUsageDto, type UsagePartDto } from '../dto/usage-parts.dto';

/** Requests that one answer is made of: about 100 ms of the database. */
const MAX_LOOKED_AT = 50_000;
const MAX_PARTS = 200;
const DAY_MS = 86_400_000;

export interface UsageParts {
  items: UsagePartDto[];
  keys: KeyUsageDto[];
  looked: number;
  oldest: string | null;
}

/** Reads by the index of a user's requests, whose ids begin with the time, and never more of them than it may. */
@Injectable()
export class UsagePartsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** What each type and key used on local days from `from` on; null: there is no such user. */
  async read(userId: number, from: string): Promise<(UsageParts & { isWhole: boolean }) | null> {
    const rows: UsageParts[] = await this.dataSource.query(
      `WITH looked AS MATERIALIZED (
         SELECT type, api_key_id, cost, refunded_units, charged_on FROM requests WHERE user_id = $1 AND id >= $2::uuid ORDER BY id DESC LIMIT ${MAX_LOOKED_AT}
       ), part AS (
         SELECT type, api_key_id AS "keyId", sum(cost - refunded_units)::float8 AS used, sum(refunded_units)::float8 AS refunded, count(*)::integer AS requests
         FROM looked WHERE charged_on >= $3::date GROUP BY type, api_key_id ORDER BY used DESC, requests DESC, type, api_key_id LIMIT ${MAX_PARTS}
       ), of_key AS (
         SELECT l.*, k.name, ${jsonInstant('k.last_used_at')} AS "lastUsedAt" FROM (
           SELECT api_key_id AS "keyId", sum(cost - refunded_units)::float8 AS used, sum(refunded_units)::float8 AS refunded, count(*)::integer AS requests
           FROM looked WHERE charged_on >= $3::date GROUP BY api_key_id ORDER BY used DESC, requests DESC, api_key_id LIMIT ${MAX_PARTS}
         ) l LEFT JOIN api_keys k ON k.id = l."keyId" AND k.user_id = $1
       )
       SELECT coalesce((SELECT json_agg(part) FROM part), '[]') AS items,
         coalesce((SELECT json_agg(of_key ORDER BY used DESC, requests DESC, "keyId") FROM of_key), '[]') AS keys, (SELECT count(*)::integer FROM looked) AS looked,
         (SELECT min(charged_on)::text FROM looked) AS oldest
       FROM users WHERE id = $1 AND status <> 'deleted'`,
      [userId, firstIdOf(from), from],
    );
    return rows[0] ? { ...rows[0], isWhole: rows[0].looked < MAX_LOOKED_AT } : null;
  }
}

/** Below every id that was made on the local day, wherever on earth that is. */
function firstIdOf(date: string): string {
  const hex = Math.max(0, Date.parse(date) - DAY_MS)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
