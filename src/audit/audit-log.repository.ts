import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type ListAuditEventsQuery } from './dto/list-audit-events.dto';
import { type AuditEvent } from './entities/audit-event.entity';

/** Events that one page looks at. A rare kind that no index finds comes in more pages, not in longer ones. */
const MAX_LOOKED_AT = 2_000;
/** Longer than this no transaction lasts that records an event: ids grow with the time, give or take as much. */
const LONGEST_CHANGE = '1 hour';

const COLUMNS = `id, actor_id AS "actorId", actor_kind AS "actorKind", actor_key_id AS "actorKeyId", action, target_kind AS "targetKind", target_id AS "targetId",
  before, after, reason, request_id AS "requestId", created_at AS "createdAt"`;

type Filter = Omit<ListAuditEventsQuery, 'limit' | 'cursor'>;

/** Reads the audit log, newest first. */
@Injectable()
export class AuditLogRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Before an id (null: from the newest), of the next `MAX_LOOKED_AT` that an index finds. */
  async list(filter: Filter, before: string | null, count: number, from: EntityManager = this.dataSource.manager): Promise<AuditEvent[]> {
    const { looked, matching, values } = lookFor(filter, before);
    return from.query(`SELECT ${COLUMNS} FROM (${looked}) e WHERE ${matching} ORDER BY id DESC LIMIT $${values.push(count)}`, values);
  }

  /** Where a page that is not full goes on: the last id that it looked at; null: there are no more. */
  async lastLookedAt(filter: Filter, before: string | null, from: EntityManager = this.dataSource.manager): Promise<string | null> {
    const { looked, matching, values } = lookFor(filter, before);
    const [{ last, count }] = await from.query<[{ last: string; count: number }]>(
      `SELECT min(id) AS last, count(*)::integer AS count, count(*) FILTER (WHERE ${matching}) AS matching FROM (${looked}) e`,
      values,
    );
    return count < MAX_LOOKED_AT ? null : last;
  }

  /** The names of those of the accounts that are programs'. */
  async serviceAccounts(userIds: number[], from: EntityManager = this.dataSource.manager): Promise<Map<number, string>> {
    if (userIds.length === 0) return new Map();
    const rows: { id: number; name: string }[] = await from.query(`SELECT user_id AS id, name FROM service_accounts WHERE user_id = ANY ($1)`, [userIds]);
    return new Map(rows.map(({ id, name }) => [id, name]));
  }
}

/** The rows that an index finds, in its order, and what is asked of each of them. */
function lookFor({ since, until, ...equal }: Filter, before: string | null): { looked: string; matching: string; values: unknown[] } {
  const values: unknown[] = [before];
  const place = (value: unknown) => `$${values.push(value)}`;
  const columns = {
    action: 'action',
    targetKind: 'target_kind',
    targetId: 'target_id',
    actorId: 'actor_id',
    actorKind: 'actor_kind',
    actorKeyId: 'actor_key_id',
  };
  const asked = Object.entries(columns).flatMap(([name, column]) => {
    const value = equal[name as keyof typeof equal];
    return value === undefined ? [] : [[column, `${column} = ${place(value)}`] as const];
  });
  const matching = asked.map(([, condition]): string => condition);
  const conditions = ['id < coalesce($1::bigint, 9223372036854775807)', ...asked.filter(([column]) => indexed(asked).includes(column)).map(([, one]) => one)];
  if (since !== undefined) {
    const at = `${place(since)}::timestamptz`;
    matching.push(`created_at >= ${at}`);
    conditions.push(
      `id > coalesce((SELECT b.id FROM audit_events b WHERE b.created_at < ${at} - interval '${LONGEST_CHANGE}' ORDER BY b.created_at DESC LIMIT 1), 0)`,
    );
  }
  if (until !== undefined) {
    const at = `${place(until)}::timestamptz`;
    matching.push(`created_at < ${at}`);
    conditions.push(
      `id < coalesce((SELECT b.id FROM audit_events b WHERE b.created_at >= ${at} + interval '${LONGEST_CHANGE}' ORDER BY b.created_at LIMIT 1), 9223372036854775807)`,
    );
  }
  const looked = `SELECT * FROM audit_events WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${MAX_LOOKED_AT}`;
  return { looked, matching: ['true', ...matching].join(' AND '), values };
}

/** The columns of the index that narrows the log down furthest. */
function indexed(asked: readonly (readonly [column: string, condition: string])[]): string[] {
  const has = (column: string) => asked.some(([one]) => one === column);
  if (has('target_kind') && has('target_id')) return ['target_kind', 'target_id'];
  return ['actor_key_id', 'action', 'actor_id'].filter(has).slice(0, 1);
}
