import { useEffect } from 'react';
import { queries } from './client';
import { accessToken, BASE } from './session';

const AGAIN_MS = 5_000;

/** Has the request read anew whenever the service streams a change of its status; by `fetch`, because only that can send a token. */
export function useFollow(requestId: string, isOver: boolean): void {
  useEffect(() => {
    if (isOver) return;
    const left = new AbortController();
    void follow(requestId, left.signal);
    return () => left.abort();
  }, [requestId, isOver]);
}

async function follow(requestId: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const token = await accessToken();
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
      const answer = await fetch(`${BASE}/v1/requests/${encodeURIComponent(requestId)}/events`, { headers, signal });
      if (!answer.ok || answer.status === 204 || answer.body === null) return;
      const reader = answer.body.getReader();
      while (!(await reader.read()).done) await queries.invalidateQueries({ queryKey: ['request', requestId] });
      return;
    } catch {
      // The connection broke off: begun anew for as long as somebody looks.
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
