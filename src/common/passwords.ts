import { hash, verify } from '@node-rs/argon2';

/** Argon2id with OWASP's parameters (Password Storage Cheat Sheet): 19 MiB, 2 passes, 1 lane; 2 is the package's number for it. */
const PARAMETERS = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes at a time: more would fill the thread pool that files and name lookups share, and 19 MiB each. */
const AT_ONCE = 2;

/** A hash of no password, in today's parameters: a login of nobody costs what one of somebody does. */
const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$cXVvdGlkaWFuLW5vYm9keQ$Wm4kLkSRYX2RVrjNNCOhCSKyYIQV9xTNLpDvWcLMSDc';

let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** NFKC first, so that the same characters typed on another keyboard are the same password (NIST SP 800-63B, 5.1.1.2). */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password.normalize('NFKC'), PARAMETERS));
}

/** False for a wrong password, for an unusable hash, and, in the same time, for a user who is not there (`stored` null). */
export async function verifyPassword(stored: string | null, password: string): Promise<boolean> {
  const matches = await inTurn(() => verify(stored ?? NOBODY, password.normalize('NFKC')).catch(() => false));
  return matches && stored !== null;
}

/** Whether a login should store a new hash: this one was made with other parameters. */
export function needsRehash(stored: string): boolean {
  return !stored.startsWith(`$argon2id$v=19$m=${PARAMETERS.memoryCost},t=${PARAMETERS.timeCost},p=${PARAMETERS.parallelism}$`);
}
