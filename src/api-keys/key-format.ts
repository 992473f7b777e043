import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * `qtd_` + 32 random base62 characters (190 bits) + 6 of checksum, after GitHub's token format: the prefix lets secret
 * scanners find a leaked key, the checksum refuses a mistyped one without asking the database.
 */
export const KEY_PREFIX = 'qtd_';
const RANDOM_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const SHOWN_LENGTH = KEY_PREFIX.length + 8;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export function makeKey(): string {
  const random = Array.from({ length: RANDOM_LENGTH }, () => BASE62[randomInt(BASE62.length)]).join('');
  return KEY_PREFIX + random + checksum(random);
}

/** Whether the text is one of our keys, undamaged. */
export function isKey(text: string): boolean {
  if (text.length !== KEY_PREFIX.length + RANDOM_LENGTH + CHECKSUM_LENGTH || !text.startsWith(KEY_PREFIX)) return false;
  const random = text.slice(KEY_PREFIX.length, -CHECKSUM_LENGTH);
  return text.endsWith(checksum(random));
}

/** What may be shown of a key, to distinguish it from others. */
export function shownPrefix(key: string): string {
  return key.slice(0, SHOWN_LENGTH);
}

/** SHA-256: enough for a secret of 190 bits, and cheap enough for every request. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function checksum(random: string): string {
  let rest = crc32(random);
  let text = '';
  for (let i = 0; i < CHECKSUM_LENGTH; i++) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
