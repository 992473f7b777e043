import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment } from './environment';
import { StartupError } from './startup-error';

export const SECRET_BYTES = 32;

/** The process's two secrets as bytes: given in the environment, or kept in the data folder. Each is read, or made, when it is asked for. */
export class Secrets {
  private readonly read = new Map<string, Buffer>();

  constructor(private readonly environment: Environment) {}

  get jwt(): Buffer {
    return this.once('jwt', this.environment.JWT_SECRET);
  }

  get settings(): Buffer {
    return this.once('settings', this.environment.SECRETS_KEY);
  }

  /** Keys that sealed what is stored before the present one: to read it until `quotidian secrets:rotate` has run. */
  get previousSettings(): Buffer[] {
    const { SECRETS_KEY_PREVIOUS: previous } = this.environment;
    return previous === undefined ? [] : [secretBytes(previous)];
  }

  private once(name: string, given: string | undefined): Buffer {
    const bytes = this.read.get(name) ?? secretBytes(given ?? keptSecret(this.environment.DATA_DIR, name));
    this.read.set(name, bytes);
    return bytes;
  }
}

function secretBytes(text: string): Buffer {
  const bytes = decodeSecret(text);
  if (bytes === null) throw new StartupError(`A secret must be at least ${SECRET_BYTES} bytes as hex or base64.`);
  return bytes;
}

/** The bytes of a secret given as hex or base64 (either alphabet), or null when it is malformed, too short or of one repeated byte. */
export function decodeSecret(text: string): Buffer | null {
  const bytes = /^([0-9a-f]{2})+$/i.test(text)
    ? Buffer.from(text, 'hex')
    : /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)
      ? Buffer.from(text, 'base64')
      : Buffer.alloc(0);
  return bytes.length >= SECRET_BYTES && new Set(bytes).size > 4 ? bytes : null;
}

/**
 * A secret that was not given: read from the data folder, or made and kept there with mode 0600. Two processes that
 * start at once agree on one value, because only one of their links can create the file.
 */
export function keptSecret(dataDir: string, name: string): string {
  const folder = join(dataDir, 'secrets');
  const file = join(folder, name);
  // The data folder itself stays open: the database's account must pass through it.
  mkdirSync(dataDir, { recursive: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, randomBytes(SECRET_BYTES).toString('base64'), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  chmodSync(file, 0o600);
  const value = readFileSync(file, 'utf8').trim();
  if (decodeSecret(value) === null) throw new StartupError(`${file} does not hold a secret. Move it away to have a new one made.`);
  return value;
}
