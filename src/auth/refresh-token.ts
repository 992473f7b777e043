import { createHash, createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'qtr_';
const LINEAGE_BYTES = 16;
const SECRET_BYTES = 32;
const FORMAT = /^qtr_[A-Za-z0-9_-]{64}$/;
/** As they were while each token had a row: a secret alone. */
const FORMER_FORMAT = /^qtr_[A-Za-z0-9_-]{43}$/;

/** What the tokens of one session share, so that an earlier one is known for what it is without a row of its own. */
export function newLineage(): Buffer {
  return randomBytes(LINEAGE_BYTES);
}

/** A token of the session: its lineage and a secret of its own. */
export function makeToken(lineage: Buffer): string {
  return PREFIX + Buffer.concat([lineage, randomBytes(SECRET_BYTES)]).toString('base64url');
}

/** The one token that follows this one: nobody without the key knows it, and whoever comes with the same token gets the same. */
export function successorOf(lineage: Buffer, token: string, key: Buffer): string {
  return PREFIX + Buffer.concat([lineage, createHmac('sha256', key).update(`successor of ${token}`).digest()]).toString('base64url');
}

/** Null for what is no such token. */
export function lineageOf(token: string): Buffer | null {
  return FORMAT.test(token) ? Buffer.from(token.slice(PREFIX.length), 'base64url').subarray(0, LINEAGE_BYTES) : null;
}

export function isFormerToken(token: string): boolean {
  return FORMER_FORMAT.test(token);
}

/** The lineage that a session's tokens have whose first ones had a family: its 16 bytes. */
export function lineageOfFamily(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
