import { randomFillSync } from 'node:crypto';

const random = Buffer.alloc(8_192);
let unused = random.length;
let sequence = 0;

/** To be called before the ids of a batch: within it the count never wraps, so the ids of its requests sort as they arrived. */
export function beginIds(): void {
  if (sequence > 0x7ff) sequence = 0;
}

/** What follows the time in a UUIDv7: version, 12 bits that count up, so that ids of one millisecond sort by arrival, variant, and 62 random bits. */
export function idTail(): string {
  if (unused + 8 > random.length) {
    randomFillSync(random);
    unused = 0;
  }
  const bytes = random.subarray(unused, unused + 8);
  unused += 8;
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x80;
  sequence = (sequence + 1) & 0xfff;
  return `7${sequence.toString(16).padStart(3, '0')}${bytes.toString('hex')}`;
}

/** The id as PostgreSQL writes it. @param atMs the database's time, in whole milliseconds since 1970 */
export function requestId(atMs: number, tail: string): string {
  const time = atMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-${tail.slice(0, 4)}-${tail.slice(4, 8)}-${tail.slice(8)}`;
}
