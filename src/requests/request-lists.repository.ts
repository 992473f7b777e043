import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { REQUEST_JSON } from '../ledger/request-row';
import { OF_NOBODY_DELETED } from '../users/user-removal.repository';
import { type ListRequestsQuery } from './dto/list-requests.dto';
import { OVERDUE } from './requests.repository';

/** Where a page begins: after the newer or before the older end of the one that was read. */
export interface PagePosition {
  newer: boolean;
  id: string;
}

/** One of a list, as it is answered; null: the page holds as much as it may without it. */
export interface ListedRow {
  id: string;
  json: string | null;
  overdue: boolean;
}

/** True of every row; it names what the partial indexes of waiting requests are made of, so that a queue that is empty is not looked for in the whole ledger. */
const WAITING_BY_INDEX = '(available_at IS NULL OR available_at IS NOT NULL)';

/** A page ends behind the request that makes it longer than this: a hundred large payloads are no answer of many megabytes. */
const MAX_PAGE_BYTES = 1_000_000;

/** Requests that one page looks at where no index has what is asked for. A rare one is found in more pages, not in longer ones. */
const MAX_LOOKED_AT = 2_000;
/** Payloads are unpacked to be looked into: so many bytes of them, as they are stored, for a page. */
const MAX_PAYLOAD_BYTES = 8_000_000;

/** What narrows a list: by an index, or by a look at the rows that one finds. */
interface Conditions {
  byIndex: string[];
  byLook: string[];
  values: unknown[];
  payloads: boolean;
}

/** Pages of the ledger, read by its indexes; a filter that none of them has is held against a bounded number of rows. */
@Injectable()
export class RequestListsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Newest first. Ids begin with the database's time, so order, cursor and both bounds in time are ranges of one index:
   * every page costs the same. Towards the newer end the rows come the other way round. Their JSON is made here and passed on
   * as it is, up to a page's length in bytes. Fewer rows than asked for: see `lastLookedAt`.
   */
  async list(
    userId: number | null,
    query: ListRequestsQuery,
    from: PagePosition | null,
    count: number,
    reader: EntityManager = this.dataSource.manager,
  ): Promise<ListedRow[]> {
    const conditions = conditionsOf(userId, query, from);
    const order = from?.newer ? 'ASC' : 'DESC';
    const { byLook, values } = conditions;
    const rows = byLook.length === 0 ? `requests r WHERE ${conditions.byIndex.join(' AND ')}` : `${looked(conditions, order)} r WHERE fits`;
    return reader.query(
      `SELECT id, overdue, CASE WHEN coalesce(sum(octet_length(json)) OVER before, 0) < ${MAX_PAGE_BYTES} THEN json END AS json
       FROM (SELECT r.id, ${OVERDUE}, ${REQUEST_JSON} AS json FROM ${rows} ORDER BY id ${order} LIMIT ${count}) r
       WINDOW before AS (ORDER BY id ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) ORDER BY id ${order}`,
      values,
    );
  }

  /** Where a page that is not full goes on: the last id that it looked at; null: there are no more. */
  async lastLookedAt(
    userId: number | null,
    query: ListRequestsQuery,
    from: PagePosition | null,
    reader: EntityManager = this.dataSource.manager,
  ): Promise<string | null> {
    const conditions = conditionsOf(userId, query, from);
    if (conditions.byLook.length === 0) return null;
    const text = looked({ ...conditions, byLook: [] }, from?.newer ? 'ASC' : 'DESC');
    const used = conditions.values.slice(0, placesIn(text));
    const [row] = await reader.query<[{ all: number; seen: number; last: string | null }]>(
      `SELECT count(*)::integer AS all, count(*) FILTER (WHERE fits)::integer AS seen,
         (array_agg(id ORDER BY n DESC) FILTER (WHERE fits))[1] AS last FROM ${text} r`,
      used,
    );
    return row.seen < row.all || row.all >= MAX_LOOKED_AT ? row.last : null;
  }
}

/** How many values a text names: those of the index come first. */
const placesIn = (text: string) => Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, place]) => Number(place)));

/** The rows that an index finds, a bounded number of them, and of each whether it `fits`; it stops as soon as a page is full. */
function looked(conditions: Conditions, order: 'ASC' | 'DESC'): string {
  const { byIndex, byLook, payloads } = conditions;
  const rows = `SELECT r.* FROM requests r WHERE ${byIndex.join(' AND ')} ORDER BY id ${order} LIMIT ${MAX_LOOKED_AT}`;
  const fits = byLook.length === 0 ? 'true' : byLook.join(' AND ');
  if (!payloads) return `(SELECT r.*, row_number() OVER (ORDER BY id ${order}) AS n, ${fits} AS fits FROM (${rows}) r)`;
  // What is stored is counted without being unpacked. The first one counts for nothing: a page gets on.
  const numbered = `SELECT r.*, row_number() OVER before AS n, sum(pg_column_size(payload)) OVER before - pg_column_size(payload) AS bytes
    FROM (${rows}) r WINDOW before AS (ORDER BY id ${order} ROWS UNBOUNDED PRECEDING)`;
  return `(SELECT r.*, CASE WHEN bytes < ${MAX_PAYLOAD_BYTES} THEN ${fits} ELSE false END AS fits FROM (${numbered}) r)`;
}

function conditionsOf(userId: number | null, query: ListRequestsQuery, from: PagePosition | null): Conditions {
  const { status = null, type = null, keyId = null, payloadKey = null, payloadValue = null, since, until } = query;
  const values: unknown[] = [];
  const byIndex = ['true'];
  const byLook: string[] = [];
  const add = (to: string[], condition: string, value: unknown) => {
    if (value !== null) to.push(condition.replace('?', `$${values.push(value)}`));
  };
  const isWaiting = status === 'pending' || status === 'processing';
  // What waits is found by its own indexes, and what ended badly by that of its status; anything else is looked for among the rows of the ledger.
  const isIndexed = isWaiting || (userId === null && (status === 'failed' || status === 'canceled' || status === 'expired'));
  // Of one user it is asked once, not of each row.
  if (userId === null) byIndex.push(`user_id ${OF_NOBODY_DELETED}`);
  else add(byIndex, 'NOT EXISTS (SELECT FROM user_removals d WHERE d.user_id = ?)', userId);
  add(byIndex, 'user_id = ?', userId);
  add(byIndex, from?.newer ? 'id > ?::uuid' : 'id < ?::uuid', from?.id ?? null);
  add(byIndex, 'id >= ?::uuid', since === undefined ? null : firstIdOf(since));
  add(byIndex, 'id < ?::uuid', until === undefined ? null : firstIdOf(until));
  if (isIndexed) add(byIndex, 'status = ?', status);
  if (status === 'pending') byIndex.push(WAITING_BY_INDEX);
  if (isWaiting) add(byIndex, 'type = ?', type);
  // From here on by a look, so that the values of the index come first.
  if (!isIndexed) add(byLook, 'status = ?', status);
  if (!isWaiting) add(byLook, 'type = ?', type);
  add(byLook, 'api_key_id = ?', keyId);
  add(byLook, 'jsonb_exists(payload, ?)', payloadKey);
  if (payloadValue !== null) byLook.push(`payload ->> $${values.push(payloadKey)} = $${values.push(payloadValue)}`);
  return { byIndex, byLook, values, payloads: payloadKey !== null };
}

/** The smallest id that the millisecond can have. */
function firstIdOf(instant: string): string {
  const hex = Math.max(0, Math.ceil(Date.parse(instant)))
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
