import { type Scope } from '../../common/principal';
import { type ApiKey } from '../entities/api-key.entity';

export class ApiKeyDto {
  id: number;
  name: string;
  /** The first characters of the secret. */
  prefix: string;
  /** `service`, `worker` and `admin` are taken out when the key's user stops being an administrator. */
  scopes: Scope[];
  /** Units a day that this key may spend of its user's quota; null: all of it. */
  dailyCap: number | null;
  expiresAt: Date | null;
  /** Up to half a minute late. */
  lastUsedAt: Date | null;
  /** Until when the secret from before the last rotation works as well; null: it does not. */
  previousExpiresAt: Date | null;
  createdAt: Date;

  static of({ id, name, prefix, scopes, dailyCap, expiresAt, lastUsedAt, createdAt }: ApiKey, previousExpiresAt: Date | null = null): ApiKeyDto {
    return { id, name, prefix, scopes, dailyCap, expiresAt, lastUsedAt, previousExpiresAt, createdAt };
  }
}

export class NewApiKeyDto extends ApiKeyDto {
  /** The secret. Shown this once: only its hash is kept. Null in the answer to a repeated call. */
  key: string | null;
}

export class ApiKeyPage {
  items: ApiKeyDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
