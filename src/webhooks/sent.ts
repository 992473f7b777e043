import { type Readable } from 'node:stream';

/** Of an answer's body so much is read: a connection whose answer is longer is closed. */
const MAX_ANSWER_BYTES = 131_072;
/** And so much is kept. */
const KEPT_ANSWER_BYTES = 2_048;

/** What a failure is called in the log of deliveries, by the code of its error; other codes are shown as they are. */
const NAMES: Record<string, string> = {
  TimeoutError: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ETIMEDOUT: 'connect-timeout',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-lost',
  EPIPE: 'connection-lost',
  UND_ERR_SOCKET: 'connection-lost',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  UND_ERR_HEADERS_OVERFLOW: 'headers-too-large',
  HTTPParserError: 'malformed-answer',
};

/** Why a request had no answer, in one name. Addresses are not in it: whoever reads it must not learn about our network. */
export function failureOf(error: unknown): string {
  const { code, name, errors } = error as { code?: unknown; name?: string; errors?: unknown[] };
  if (typeof code !== 'string' && Array.isArray(errors) && errors.length > 0) return failureOf(errors[0]);
  const known = typeof code === 'string' ? code : (name ?? 'unknown');
  return NAMES[known] ?? (known.startsWith('HPE_') ? 'malformed-answer' : /CERT|SSL|TLS/.test(known) ? `tls: ${known.slice(0, 60)}` : known.slice(0, 60));
}

/**
 * The beginning of a body as text without U+0000, which PostgreSQL does not store. The rest is read so that the connection
 * stays open, and cut where it is too long. A body that breaks off is as good as one that ends: its status came before.
 */
export async function readCut(body: Readable): Promise<string> {
  const kept: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (bytes < KEPT_ANSWER_BYTES) kept.push(chunk.subarray(0, KEPT_ANSWER_BYTES - bytes));
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) break;
    }
  } catch {
    // What came is what there is.
  }
  return Buffer.concat(kept).toString('utf8').replaceAll('\0', '');
}
