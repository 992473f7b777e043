import { type Schemas } from '../../../client/src/client';

type Tokens = Schemas['TokensDto'];

/** Below which path this page is seen; the service writes it into the page. */
export const BASE = document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? '';

export type SessionState = 'unknown' | 'open' | 'closed' | 'expired';

/** A token is fetched anew so many milliseconds before its end. */
const AHEAD_MS = 60_000;

let token: { value: string; endsAt: number } | null = null;
let state: SessionState = 'unknown';
let refreshing: Promise<boolean> | null = null;
const watchers = new Set<() => void>();

export function watchSession(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export const sessionState = (): SessionState => state;

function enter(next: SessionState): void {
  state = next;
  for (const watcher of watchers) watcher();
}

/** Keeps the access token in memory, never in storage; the refresh token is in a cookie that no script can read. */
export function open(tokens: Tokens): void {
  token = { value: tokens.accessToken, endsAt: Date.now() + tokens.expiresIn * 1_000 };
  enter('open');
}

function post(path: string, body: object): Promise<Response> {
  return fetch(`${BASE}/v1/auth/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/** Whether there is a session to go on with. Calls at once share one answer. */
export function refresh(): Promise<boolean> {
  refreshing ??= post('refresh', {})
    .then(async (answer) => {
      if (answer.ok) open((await answer.json()) as Tokens);
      else if (answer.status < 500) enter(state === 'open' || state === 'expired' ? 'expired' : 'closed');
      return answer.ok;
    })
    .finally(() => (refreshing = null));
  return refreshing;
}

/** @returns the problem that refuses it, or null */
export async function logIn(credentials: object): Promise<Schemas['Problem'] | null> {
  const answer = await post('login', { ...credentials, cookie: true });
  const body = (await answer.json()) as unknown;
  if (!answer.ok) return body as Schemas['Problem'];
  open(body as Tokens);
  return null;
}

/** Ends a login by a provider whose account asked for a code. @returns the problem that refuses it, or null */
export async function sendProviderCode(provider: string, code: string): Promise<Schemas['Problem'] | null> {
  const answer = await post(`oidc/${encodeURIComponent(provider)}/code`, { code });
  const body = (await answer.json()) as unknown;
  if (!answer.ok) return body as Schemas['Problem'];
  open(body as Tokens);
  return null;
}

/** By the link of the first start. @returns the problem that refuses it, or null */
export async function signInByLink(body: object): Promise<Schemas['Problem'] | null> {
  const answer = await post('sign-in-link', { ...body, cookie: true });
  const content = (await answer.json()) as unknown;
  if (!answer.ok) return content as Schemas['Problem'];
  open(content as Tokens);
  return null;
}

export async function logOut(): Promise<void> {
  await post('logout', {});
  token = null;
  enter('closed');
}

/** The access token, fetched anew when it is about to end; null: there is no session. */
export async function accessToken(isStale = false): Promise<string | null> {
  if (isStale || token === null || token.endsAt - AHEAD_MS < Date.now()) {
    if (!(await refresh())) return null;
  }
  return token?.value ?? null;
}
