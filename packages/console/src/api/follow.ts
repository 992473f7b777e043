import { useEffect } from 'react';
import { queries } from './client';
import { accessToken, BASE } from './session';

const AGAIN_MS = 5_000;
/** A list is read anew so often at the utmost. */
const PAUSE_MS = 1_000;

/** Has the request read anew whenever the service streams a change of its status; by `fetch`, because only that can send a token. */
export function useFollow(requestId: string, isOver: boolean): void {
  useEffect(() => {
    if (isOver) return;
    const left = new AbortController();
    void follow(`/v1/requests/${encodeURIComponent(requestId)}/events`, left.signal, () => queries.invalidateQueries({ queryKey: ['request', requestId] }));
    return () => left.abort();
  }, [requestId, isOver]);
}

/** Has the lists of requests read anew whenever the service streams that one of them changed. @param userId whose; undefined: everybody's */
export function useFollowList(userId: number | undefined, isPaused: boolean): void {
  useEffect(() => {
    if (isPaused) return;
    const left = new AbortController();
    const query = userId === undefined ? '' : `?userId=${userId}`;
    void follow(`/v1/requests/events${query}`, left.signal, () =>
      Promise.all([queries.invalidateQueries({ queryKey: ['requests'] }), new Promise((resolve) => setTimeout(resolve, PAUSE_MS))]),
    );
    return () => left.abort();
  }, [userId, isPaused]);
}

/** One stream at a time. What comes while `look` looks is one event more. */
async function follow(path: string, signal: AbortSignal, look: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    try {
      const token = await accessToken();
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
      const answer = await fetch(BASE + path, { headers, signal });
      // 204: there is nothing more to come. A refusal is answered anew when the page is.
      if (answer.status === 204 || (answer.status >= 400 && answer.status < 500 && answer.status !== 401 && answer.status !== 429)) return;
      if (answer.ok && answer.body !== null) await read(answer.body, look);
    } catch {
      // The connection broke off: begun anew for as long as somebody looks.
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** A look for each piece that has an event in it; pings have none. */
async function read(body: ReadableStream<Uint8Array>, look: () => Promise<unknown>): Promise<void> {
  const reader = body.getReader();
  const text = new TextDecoder();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) if (text.decode(piece.value).includes('data:')) await look();
}
