const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;

/** The provider did not answer, or not as one does. */
export class FetchFailed extends Error {}

/**
 * An answer of an identity provider: no redirects, five seconds in all, 256 kB.
 * @throws FetchFailed naming what is wrong, without the answer
 */
export async function boundedFetch(url: string, options: RequestInit, allowHttp: boolean): Promise<Response> {
  if (!url.startsWith('https://') && !allowHttp) throw new FetchFailed(`${url} is not https`);
  try {
    const response = await fetch(url, { ...options, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = await bodyOf(response);
    return new Response(body.length === 0 ? null : body, { status: response.status, headers: response.headers });
  } catch (error) {
    throw error instanceof FetchFailed ? error : new FetchFailed(`${url} does not answer: ${(error as Error).message}`);
  }
}

/** @throws FetchFailed unless it is a JSON object */
export async function fetchJson(url: string, allowHttp: boolean): Promise<Record<string, unknown>> {
  const response = await boundedFetch(url, { headers: { accept: 'application/json' } }, allowHttp);
  if (response.status !== 200) throw new FetchFailed(`${url} answered ${response.status}`);
  const value = await response.json().catch(() => null);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FetchFailed(`${url} is no JSON object`);
  return value as Record<string, unknown>;
}

/** What is longer is not read to its end. */
async function bodyOf({ body }: Response): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new FetchFailed(`more than ${MAX_BYTES} bytes were answered`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
