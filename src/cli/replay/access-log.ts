import { createHash } from 'node:crypto';
import { StartupError } from '../../config/startup-error';
import { clientOf } from './client-address';
import { linesOf } from './log-lines';

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

const QUOTED = '"([^"\\\\]*(?:\\\\.[^"\\\\]*)*)"';
/** client ident user [time] "request" status bytes "referrer" "agent"; what follows is an extension, and the last two may be missing. */
const COMBINED = new RegExp(`^(.{1,1024}?) \\[([^\\]]{1,64})\\] ${QUOTED} (\\d{3}) (\\d+|-)(?: ${QUOTED} ${QUOTED})?`);
/** What is submitted of each text: a request of a megabyte is a hit like any other. */
const MAX_TEXT = 2_048;
const SHOWN = 100;

/** @returns null for a line that is no hit */
export function parseHit(text: string, line: number): Hit | null {
  const match = COMBINED.exec(text);
  const client = match === null ? null : clientOf(match[1] ?? '');
  if (match === null || client === null) return null;
  const [, , at = '', request = '', status, bytes, referrer, agent] = match.map((part) => part?.replaceAll('\0', ''));
  const [method = '', path = ''] = request.split(' ', 2).map(cut);
  const optional = { ...(referrer && referrer !== '-' ? { referrer: cut(referrer) } : {}), ...(agent && agent !== '-' ? { agent: cut(agent) } : {}) };
  const payload = { at, method, path, status: Number(status), bytes: bytes === '-' ? 0 : Number(bytes), ...optional };
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 40);
  return { line, client, payload, idempotencyKey: `replay-${line}-${digest}` };
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT).toWellFormed();
}

export interface AccessLog {
  /** In order. */
  hits: Hit[];
  /** Lines that are none, empty ones aside. */
  skipped: number;
  /** The first of those, as it is shown; null when there is none. */
  firstSkipped: string | null;
}

/** @throws StartupError when there is nothing to replay */
export async function readAccessLog(file: string): Promise<AccessLog> {
  const log: AccessLog = { hits: [], skipped: 0, firstSkipped: null };
  let line = 0;
  for await (const text of linesOf(file)) {
    line++;
    if (text.trim() === '') continue;
    const hit = parseHit(text, line);
    if (hit) log.hits.push(hit);
    else {
      log.skipped++;
      log.firstSkipped ??= `line ${line}: ${shown(text)}`;
    }
  }
  if (log.hits.length > 0) return log;
  const found = log.firstSkipped === null ? 'it is empty' : `none of its ${log.skipped} lines is in the combined format (${log.firstSkipped})`;
  throw new StartupError(`${file} has nothing to replay: ${found}.`);
}

/** On a terminal, control characters are no text. */
function shown(text: string): string {
  return `${text.slice(0, SHOWN).replaceAll(/\p{C}/gu, '?')}${text.length > SHOWN ? '…' : ''}`;
}
