import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** One line of an access log in the combined format of Apache and nginx. */
export interface Hit {
  /** From 1. */
  line: number;
  /** The client: an address, or a name where the server looked names up. */
  client: string;
  /** What is submitted as the request's payload. */
  payload: { at: string; method: string; path: string; status: number; bytes: number; referrer?: string; agent?: string };
  /** The same for the same line of the same file, so that a second replay charges nothing. */
  idempotencyKey: string;
}

const QUOTED = '"((?:[^"\\\\]|\\\\.)*)"';
/** host ident user [time] "request" status bytes "referrer" "agent"; what follows is an extension, and the last two may be missing. */
const COMBINED = new RegExp(`^(\\S+) \\S+ .*?\\[([^\\]]+)\\] ${QUOTED} (\\d{3}) (\\d+|-)(?: ${QUOTED} ${QUOTED})?`);

/** @returns null for a line that is no hit */
export function parseHit(text: string, line: number): Hit | null {
  const match = COMBINED.exec(text);
  if (match === null) return null;
  const [, client = '', at = '', request = '', status, bytes, referrer, agent] = match.map((part) => part?.replaceAll('\0', ''));
  const [method = '', path = ''] = request.split(' ');
  const optional = { ...(referrer && referrer !== '-' ? { referrer } : {}), ...(agent && agent !== '-' ? { agent } : {}) };
  const payload = { at, method, path, status: Number(status), bytes: bytes === '-' ? 0 : Number(bytes), ...optional };
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 40);
  return { line, client: client.toLowerCase(), payload, idempotencyKey: `replay-${line}-${digest}` };
}

/** All hits of a file, in order, and how many lines were none. */
export async function readAccessLog(file: string): Promise<{ hits: Hit[]; skipped: number }> {
  const hits: Hit[] = [];
  let skipped = 0;
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    line++;
    if (text.trim() === '') continue;
    const hit = parseHit(text, line);
    if (hit) hits.push(hit);
    else skipped++;
  }
  return { hits, skipped };
}
