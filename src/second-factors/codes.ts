import { createHash, randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

const STEP_MS = 30_000;
/** Steps on either side that a clock may be off by. */
const WINDOW = 1;
const RECOVERY_CODES = 10;
/** Without I, L, O and U, which are misread. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const GROUPS = 4;
const GROUP_CHARS = 4;

/** 160 bits, as RFC 4226 advises, in base32. */
export function makeSecret(): string {
  return new Secret({ size: 20 }).base32;
}

/** What an authenticator app reads, from a picture or by hand: SHA-1, six digits and 30 s, which all apps know. */
export function uriOf(secret: string, issuer: string, label: string): string {
  return new TOTP({ issuer, label, secret: Secret.fromBase32(secret) }).toString();
}

/** The step whose code this is, at most one beside that of the time; null: none. */
export function stepOf(secret: string, code: string, now: Date): number | null {
  const timestamp = now.getTime();
  const delta = TOTP.validate({ token: code, secret: Secret.fromBase32(secret), timestamp, window: WINDOW });
  return delta === null ? null : Math.floor(timestamp / STEP_MS) + delta;
}

export function isTotpCode(code: string): boolean {
  return /^\d{6}$/.test(code);
}

export function makeRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, makeRecoveryCode);
}

/** Case and separators do not matter; null for what is no such code. */
export function hashRecoveryCode(code: string): Buffer | null {
  const bare = code.toUpperCase().replace(/[\s-]/g, '');
  return bare.length === GROUPS * GROUP_CHARS ? createHash('sha256').update(bare).digest() : null;
}

/** 80 bits in groups of four. */
function makeRecoveryCode(): string {
  const characters = [...randomBytes(GROUPS * GROUP_CHARS)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
  return characters.replace(/(.{4})(?=.)/g, '$1-');
}
