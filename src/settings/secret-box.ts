import { Injectable } from '@nestjs/common';
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { Secrets } from '../config/secrets';

/** A secret as it is stored: which key sealed it, and nonce, tag and ciphertext as base64. */
export interface SealedValue {
  keyId: string;
  sealed: string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM (NIST SP 800-38D) for secret settings and sealed columns. The name of what is sealed is authenticated too: a ciphertext cannot be moved. */
@Injectable()
export class SecretBox {
  private readonly keys: ReadonlyMap<string, Buffer>;
  readonly keyId: string;

  constructor(secrets: Secrets) {
    const keys = [secrets.settings, ...secrets.previousSettings].map((secret) => createHash('sha256').update(secret).digest());
    this.keys = new Map(keys.map((key) => [idOf(key), key]));
    this.keyId = idOf(keys[0] as Buffer);
  }

  /** Of the keys that this process opens values with. */
  get keyIds(): string[] {
    return [...this.keys.keys()];
  }

  seal(name: string, value: unknown): SealedValue {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.key(this.keyId), nonce).setAAD(Buffer.from(name));
    const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
    return { keyId: this.keyId, sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64') };
  }

  /** The value, or undefined when it was sealed with a key that is not given any more, or is not what was sealed here. */
  open(name: string, stored: unknown): unknown {
    const { keyId, sealed } = (stored ?? {}) as Partial<SealedValue>;
    if (typeof keyId !== 'string' || typeof sealed !== 'string' || !this.keys.has(keyId)) return undefined;
    const bytes = Buffer.from(sealed, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.key(keyId), bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(name))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  private key(keyId: string): Buffer {
    const key = this.keys.get(keyId);
    if (key === undefined) throw new Error(`There is no secrets key ${keyId}.`);
    return key;
  }
}

/** Names a key without showing it. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('key id').update(key).digest('hex').slice(0, 16);
}
