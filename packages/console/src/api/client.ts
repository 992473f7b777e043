import { QueryClient } from '@tanstack/react-query';
import { createClient } from '../../../client/src/client';
import { ProblemError } from '../../../client/src/problem-error';
import { noteCall } from './calls';
import { noteClock } from './test-clock';
import { accessToken, BASE } from './session';

/** Sends with the session's token, and once more with a fresh one where that is refused. */
async function send(request: Request): Promise<Response> {
  const again = request.clone();
  const answer = await sendWith(request, await accessToken());
  return answer.status === 401 ? sendWith(again, await accessToken(true)) : answer;
}

function sendWith(request: Request, token: string | null): Promise<Response> {
  if (token !== null) request.headers.set('authorization', `Bearer ${token}`);
  noteCall(request);
  return fetch(request).then(noteClock);
}

export const api = createClient({ baseUrl: `${location.origin}${BASE}`, apiKey: 'none', batching: false, retries: { max: 0 }, fetch: send });

/** What the service refused is not asked again; a service that is away is, until it answers. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => !(error instanceof ProblemError) && count < 60,
      retryDelay: (attempt) => Math.min(1_000 * 2 ** attempt, 10_000),
    },
  },
});
