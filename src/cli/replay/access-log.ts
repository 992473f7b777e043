import { createHash } from 'node:crypto';
import { StartupError } from '../../config/startup-error';
import { clientOf } from './client-address';
import { type JsonHit, readJsonHit } from './json-hit';
import { linesOf } from './log-lines';

/** One line of an access log: in the combined or common format of Apache and nginx, or JSON. */
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

const QUOTED = '"([^"\\\\]*(?:\\\\.[^"\\\\]*)*)"';
/** client ident user [time] "request" status bytes "referrer" "agent"; what follows is an extension, and the last two may be missing. */
const COMBINED = new RegExp(`^(.{1,1024}?) \\[([^\\]]{1,64})\\] ${QUOTED} (\\d{3}) (\\d+|-)(?: ${QUOTED} ${QUOTED})?`);
/** What is submitted of each text: a request of a megabyte is a hit like any other. */
const MAX_TEXT = 2_048;
const SHOWN = 100;

/** Why a line is no hit. */
export type SkipReason = 'no access log' | 'no client' | 'JSON that cannot be read' | 'JSON without a client' | 'JSON without a request';

/** @returns why not, for a line that is no hit */
export function parseHit(text: string, line: number): Hit | SkipReason {
  const read = text.startsWith('{') ? readJsonHit(text) : readPlainHit(text);
  if (typeof read === 'string') return read;
  const { client, referrer, agent, at, method, path, ...numbers } = read;
  const optional = { ...(referrer && referrer !== '-' ? { referrer: cut(referrer) } : {}), ...(agent && agent !== '-' ? { agent: cut(agent) } : {}) };
  const payload = { at: cut(at), method: cut(method), path: cut(path), ...numbers, ...optional };
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 40);
  return { line, client, payload, idempotencyKey: `replay-${line}-${digest}` };
}

function readPlainHit(text: string): JsonHit | SkipReason {
  const match = COMBINED.exec(text);
  if (match === null) return 'no access log';
  const client = clientOf(match[1] ?? '');
  if (client === null) return 'no client';
  const [, , at = '', request = '', status, bytes, referrer, agent] = match;
  const [method = '', path = ''] = request.split(' ', 2);
  return { client, at, method, path, status: Number(status), bytes: bytes === '-' ? 0 : Number(bytes), referrer, agent };
}

function cut(text: string): string {
  return text.replaceAll('\0', '').slice(0, MAX_TEXT).toWellFormed();
}

export interface AccessLog {
  /** In order. */
  hits: Hit[];
  /** Lines that are none, empty ones aside. */
  skipped: number;
  /** How many of them for which reason. */
  skippedBy: Partial<Record<SkipReason, number>>;
  /** The first of those, as it is shown; null when there is none. */
  firstSkipped: string | null;
}

/** @throws StartupError when there is nothing to replay */
export async function readAccessLog(file: string): Promise<AccessLog> {
  const log: AccessLog = { hits: [], skipped: 0, skippedBy: {}, firstSkipped: null };
  let line = 0;
  for await (const text of linesOf(file)) {
    line++;
    if (text.trim() === '') continue;
    const hit = parseHit(text, line);
    if (typeof hit === 'object') log.hits.push(hit);
    else {
      log.skipped++;
      log.skippedBy[hit] = (log.skippedBy[hit] ?? 0) + 1;
      log.firstSkipped ??= `line ${line}: ${shown(text)}`;
    }
  }
  if (log.hits.length > 0) return log;
  const found =
    log.firstSkipped === null
      ? 'it is empty'
      : `none of its ${log.skipped} lines is in the combined or common format, or JSON of an access log (${log.firstSkipped})`;
  throw new StartupError(`${file} has nothing to replay: ${found}.`);
}

/** On a terminal, control characters are no text. */
function shown(text: string): string {
  return `${text.slice(0, SHOWN).replaceAll(/\p{C}/gu, '?')}${text.length > SHOWN ? '…' : ''}`;
}
