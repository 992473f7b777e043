import { PRIVILEGED_SCOPES, type Scope } from '../common/principal';
import { etagOf } from '../http/etag';
import { ValidationProblem } from '../http/problem';
import { ScopeNotGrantable } from './api-keys.errors';
import { type ApiKeyDto, type NewApiKeyDto } from './dto/api-key.dto';

/** A key with its secret, which is in this answer alone. */
export type MadeApiKey = ApiKeyDto & { key: string };

/** The version of what a PATCH changes: the use of a key is none. */
export function keyTag({ lastUsedAt: _, ...rest }: ApiKeyDto): string {
  return etagOf(rest);
}

/** Of a caller who is no administrator. @throws ScopeNotGrantable */
export function assertGrantable(scopes: Scope[]): void {
  const privileged = scopes.filter((scope) => PRIVILEGED_SCOPES.includes(scope));
  if (privileged.length > 0) throw new ScopeNotGrantable(privileged);
}

export function beyondExpiry(expiresAt: Date | null): ValidationProblem {
  return new ValidationProblem([{ pointer: '#/overlapSeconds', detail: `ends after the key does, at ${expiresAt?.toISOString()}`, code: 'beyond-expiry' }]);
}

/** The members of the one that differ in the other: what the audit log shows of a change. */
export function changedMembers(one: ApiKeyDto, other: ApiKeyDto): Partial<ApiKeyDto> {
  const differing = Object.entries(one).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(other[name as keyof ApiKeyDto]));
  return Object.fromEntries(differing);
}

/** What events show of a key: enough to know it by. */
export function keyData({ id, name, prefix, scopes, dailyCap, expiresAt, createdAt }: Omit<ApiKeyDto, 'previousExpiresAt'>): object {
  return { id, name, prefix, scopes, dailyCap, expiresAt, createdAt };
}

/** What a retry is answered: the secret is kept nowhere. */
export function withoutSecret(made: MadeApiKey): NewApiKeyDto {
  return { ...made, key: null };
}
