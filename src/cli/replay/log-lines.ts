import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { StartupError } from '../../config/startup-error';

/** What is kept of a line: more than any server writes, so that a file of another kind does not fill the memory. */
const MAX_LINE_BYTES = 1_048_576;

/**
 * The lines of a file, `-` for standard input, unpacked if it is packed by gzip.
 * @throws StartupError for what is no text
 */
export async function* linesOf(file: string): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const keep = (part: Buffer) => {
    if (bytes < MAX_LINE_BYTES) parts.push(part.subarray(0, MAX_LINE_BYTES - bytes));
    bytes += part.length;
  };
  const cut = () => {
    const text = Buffer.concat(parts).toString('utf8');
    [parts, bytes] = [[], 0];
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  };
  let isFirst = true;
  try {
    for await (const chunk of unpacked(file === '-' ? process.stdin : createReadStream(file))) {
      if (isFirst && chunk.includes(0)) throw new StartupError(`${file} is binary, and no access log.`);
      let from = isFirst && chunk.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
      isFirst = false;
      for (let at; (at = chunk.indexOf(0x0a, from)) !== -1; from = at + 1) {
        keep(chunk.subarray(from, at));
        yield cut();
      }
      keep(chunk.subarray(from));
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code?.startsWith('Z_') ? new StartupError(`${file} begins as gzip does and cannot be unpacked: ${message}.`) : error;
  }
  if (bytes > 0) yield cut();
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

async function* unpacked(source: Readable): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  if (first.done) return;
  const isPacked = first.value[0] === 0x1f && first.value[1] === 0x8b;
  const all = Readable.from(again(first.value, chunks), { objectMode: false });
  // What fails comes out of the reading.
  yield* isPacked ? pipeline(all, createGunzip(), () => undefined) : all;
}

async function* again(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  for (let next; !(next = await rest.next()).done;) yield next.value;
}
