import { api } from '../api/client';
import { type Schemas, type User } from '../api/types';
import { problemOf } from '../ui/refusal';

type Search = Partial<Record<string, string>>;

const PAGE = 50;
const LONGEST_PAGE = 100;
/** A page of the service looks at so many accounts and no further; the console asks on for a page of its own, for so long. */
const ASKS_ON_MS = 700;
/** Users that one run of the console acts on or writes into a file. */
const LONGEST_RUN = 10_000;

const chosen = (text: string | undefined) => (text === '' ? undefined : text);

/** An address has an @, an id is digits, and what else is typed is the operator's own name of the user. */
function queryOf({ find = '', tier, status, used }: Search) {
  const by = find === '' ? {} : find.includes('@') ? { email: find } : { externalId: find };
  const share = chosen(used);
  return { ...by, tier: chosen(tier), status: chosen(status) as 'active' | undefined, quotaUsedAtLeast: share === undefined ? undefined : Number(share) };
}

/** One page of the users whom the address of the console's page asks for. */
export async function pageOf(search: Search): Promise<Schemas['UserPage']> {
  const { find = '' } = search;
  if (/^\d+$/.test(find)) {
    try {
      const { data } = await api.GET('/v1/users/{userId}', { params: { path: { userId: find } } });
      return { items: [data], nextCursor: null };
    } catch (error) {
      if (problemOf(error)?.status !== 404) throw error;
    }
  }
  const items: User[] = [];
  let cursor = chosen(search.cursor);
  const end = performance.now() + ASKS_ON_MS;
  while (performance.now() < end) {
    const { data } = await api.GET('/v1/users', { params: { query: { ...queryOf(search), cursor, limit: PAGE - items.length } } });
    items.push(...data.items);
    if (data.nextCursor === null || items.length >= PAGE) return { items, nextCursor: data.nextCursor };
    cursor = data.nextCursor;
  }
  return { items, nextCursor: cursor ?? null };
}

/** Everybody whom the filter finds, from the first page on. */
export async function allLike(search: Search, signal?: AbortSignal): Promise<{ users: User[]; isWhole: boolean }> {
  if (/^\d+$/.test(search.find ?? '')) return { users: (await pageOf(search)).items, isWhole: true };
  const users: User[] = [];
  let cursor: string | undefined;
  while (users.length < LONGEST_RUN) {
    const { data } = await api.GET('/v1/users', { params: { query: { ...queryOf(search), cursor, limit: LONGEST_PAGE } }, signal });
    users.push(...data.items);
    if (data.nextCursor === null) return { users, isWhole: true };
    cursor = data.nextCursor;
  }
  return { users: users.slice(0, LONGEST_RUN), isWhole: false };
}
