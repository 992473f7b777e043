import { Injectable } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { canonicalJson } from '../common/json-diff';
import { Secrets } from '../config/secrets';
import { fingerprintOf } from './idempotency-key';

/**
 * What distinguishes two calls under one Idempotency-Key, secret members too: an HMAC, because a fast hash of a password is as
 * good as the password. Its key comes from `JWT_SECRET`, so rotating the secrets of settings changes no fingerprint.
 */
@Injectable()
export class Fingerprints {
  private readonly key: Buffer;

  constructor(secrets: Secrets) {
    this.key = createHmac('sha256', secrets.jwt).update('idempotency fingerprints').digest();
  }

  of(content: unknown): Buffer {
    return createHmac('sha256', this.key).update(canonicalJson(content)).digest();
  }

  /** Answers that version 0.1 kept have a plain hash without the secret members. */
  matches(stored: Buffer, content: unknown): boolean {
    return stored.equals(this.of(content)) || stored.equals(fingerprintOf(withoutSecrets(content)));
  }
}

function withoutSecrets(content: unknown): unknown {
  const [params, body] = content as [unknown, Record<string, unknown> | null];
  const { password: _, value: __, ...rest } = body ?? {};
  return [params, rest];
}
