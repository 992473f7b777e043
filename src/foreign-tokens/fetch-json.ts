const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;

/**
 * A JSON object from an identity provider: no redirects, five seconds in all, 256 kB.
 * @throws Error naming what is wrong, without the answer
 */
export async function fetchJson(url: string, allowHttp: boolean): Promise<Record<string, unknown>> {
  if (!url.startsWith('https://') && !allowHttp) throw new Error(`${url} is not https`);
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS), headers: { accept: 'application/json' } });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
  const value = JSON.parse(await textOf(response, url)) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${url} is no JSON object`);
  return value as Record<string, unknown>;
}

/** What is longer is not read to its end. */
async function textOf(response: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`${url} answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
