import { hash, verify } from '@node-rs/argon2';

/** Argon2id with OWASP's parameters (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane; 2 is the package's number for it. */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A hash of no password, in today's parameters: a login of nobody costs what one of somebody does. */
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$cXVvdGlkaWFuLW5vYm9keQ$Wm4kLkSRYX2RVrjNNCOhCSKyYIQV9xTNLpDvWcLMSDc';

const STORED = /^\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{8,86}\$[A-Za-z0-9+/]{16,86}$/;
/** What another program may have stored: more would let one row take the process's memory or its time. */
const MEMORY_MAX_KIB = 65_536;
const PASSES_MAX = 10;
const LANES_MAX = 4;

/** NFKC first, so that the same characters typed on another keyboard are the same password (NIST SP 800-63B, 5.1.1.2). */
export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFKC'), PARAMETERS);
}

/** False for a wrong password and, in the same time, for a hash that is not usable and for a user who is not there (`stored` null). */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  const usable = stored !== null && isUsable(stored);
  const matches = await verify(usable ? stored : NOBODY, password.normalize('NFKC')).catch(() => false);
  return matches && usable;
}

/** Whether a login should store a new hash: this one was made with other parameters. */
export function needsRehash(stored: string): boolean {
  return !stored.startsWith(`$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$`);
}

function isUsable(stored: string): boolean {
  const [, memory, passes, lanes] = STORED.exec(stored) ?? [];
  return memory !== undefined && Number(memory) <= MEMORY_MAX_KIB && Number(passes) <= PASSES_MAX && Number(lanes) <= LANES_MAX;
}
