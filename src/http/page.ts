import { createHash } from 'node:crypto';
import { InvalidCursor } from './http.errors';
import { type ListQuery } from './list-query.dto';

const MAX_PAGE_SIZE = 100;

/** A page of a list; `nextCursor` null is the only sign of the end. */
export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** What chose the rows of a list: a cursor fits no list that was chosen otherwise. */
export interface Chosen {
  /** The list's own name: one for each route. */
  list: string;
}

export function pageSize({ limit }: ListQuery): number {
  return Math.min(limit ?? 20, MAX_PAGE_SIZE);
}

/**
 * Cuts a page out of rows that were read with one more than its size, and makes the cursor. `filters` is everything that
 * chose the rows: a cursor only fits the list that it came from.
 */
export function toPage<Row, Item>(rows: Row[], size: number, filters: Chosen, position: (row: Row) => string, item: (row: Row) => Item): Page<Item> {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const more = rows.length > size && last !== undefined;
  return { items: page.map(item), nextCursor: more ? cursorAt(position(last), filters) : null };
}

/**
 * The position in a cursor.
 * @throws InvalidCursor when it is not one of ours, or belongs to another list or other filters.
 */
export function cursorPosition(cursor: string | undefined, filters: Chosen): string | null {
  if (cursor === undefined) return null;
  const position = Buffer.from(cursor.slice(12), 'base64url').toString();
  if (cursorAt(position, filters) !== cursor) throw new InvalidCursor();
  return position;
}

/** The cursor of a position. Not a secret: it names a place in a list that the caller may read anyway. The digest finds mix-ups and damage. */
export function cursorAt(position: string, filters: Chosen): string {
  const digest = createHash('sha256').update(JSON.stringify(filters)).update('\0').update(position).digest('base64url');
  return digest.slice(0, 12) + Buffer.from(position).toString('base64url');
}
