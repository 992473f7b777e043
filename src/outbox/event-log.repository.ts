import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type RecordedEvent } from './event-consumer';

/** What a list of events is narrowed down by. */
export interface EventFilter {
  userId?: number;
  type?: string;
  /** Instants of `createdAt`, in ISO 8601. */
  since?: string;
  until?: string;
}

/** Events that one page looks at. A rare kind is found in more pages, not in longer ones. */
const MAX_LOOKED_AT = 2_000;
/** Longer than this an event does not wait for its position while a replica runs: where a list that ends at an instant begins to look. */
const MAX_WAIT = '1 hour';

const COLUMNS = `id, type, user_id AS "userId", data, created_at AS "createdAt", position`;

/** Reads events that have their positions. Positions grow with the time at which they were given, so each bound in time is one of positions. */
@Injectable()
export class EventLogRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Newest first, before a position (null: from the newest), of the next `MAX_LOOKED_AT` that an index finds. */
  async list(filter: EventFilter, before: string | null, count: number, from: EntityManager = this.dataSource.manager): Promise<RecordedEvent[]> {
    const { looked, matching, values } = lookFor(filter, before);
    return from.query(`SELECT ${COLUMNS} FROM (${looked}) e WHERE ${matching} ORDER BY position DESC LIMIT $${values.push(count)}`, values);
  }

  /** Where a page that is not full goes on: the last position that it looked at; null: there are no more. */
  async lastLookedAt(filter: EventFilter, before: string | null, from: EntityManager = this.dataSource.manager): Promise<string | null> {
    const { looked, matching, values } = lookFor(filter, before);
    const [{ last, count }] = await from.query<[{ last: string; count: number }]>(
      `SELECT min(position) AS last, count(*)::integer AS count, count(*) FILTER (WHERE ${matching}) AS matching FROM (${looked}) e`,
      values,
    );
    return count < MAX_LOOKED_AT ? null : last;
  }

  /** Removes a batch of events that became visible more than so many days ago. @returns how many */
  async removeOlderThan(days: number, count: number): Promise<number> {
    const [, removed] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM events WHERE id IN (
         SELECT id FROM events WHERE published_at < now() - make_interval(days => $1) ORDER BY published_at, position LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      [days, count],
    );
    return removed;
  }
}

/** The rows that an index finds, in its order, and what is asked of each of them. */
function lookFor({ userId, type, since, until }: EventFilter, before: string | null): { looked: string; matching: string; values: unknown[] } {
  const values: unknown[] = [before, type ?? null, since ?? null, until ?? null];
  const conditions = ['position IS NOT NULL', 'position < coalesce($1::bigint, 9223372036854775807)'];
  if (userId !== undefined) conditions.push(`user_id = $${values.push(userId)}`);
  else if (type !== undefined) conditions.push(`type = $2`);
  // What happened at an instant became visible then or later.
  if (since !== undefined) conditions.push(`position >= ${firstPositionAt('$3::timestamptz')}`);
  if (until !== undefined) conditions.push(`position < ${firstPositionAt(`$4::timestamptz + interval '${MAX_WAIT}'`)}`);
  const looked = `SELECT * FROM events WHERE ${conditions.join(' AND ')} ORDER BY position DESC LIMIT ${MAX_LOOKED_AT}`;
  const matching = '($2::text IS NULL OR type = $2) AND ($3::timestamptz IS NULL OR created_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)';
  return { looked, matching, values };
}

const firstPositionAt = (instant: string): string =>
  `coalesce((SELECT p.position FROM events p WHERE p.published_at >= ${instant} ORDER BY p.published_at, p.position LIMIT 1), 9223372036854775807)`;
