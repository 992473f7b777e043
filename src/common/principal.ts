/** What an API key may be allowed to do. A login session carries those of its user's role. */
export const SCOPES = [
  'requests:read',
  'requests:write',
  'quota:read',
  'configurations:read',
  'configurations:write',
  'webhooks:read',
  'webhooks:write',
  'service',
  'worker',
  'admin',
] as const;

export type Scope = (typeof SCOPES)[number];

/** Scopes that reach beyond the key's own user: only an administrator grants them. */
export const PRIVILEGED_SCOPES: readonly Scope[] = ['service', 'worker', 'admin'];
export const USER_SCOPES = SCOPES.filter((scope) => !PRIVILEGED_SCOPES.includes(scope));

/** From the one with the smallest reach to the widest: what a role may do, those after it may too. */
export const ROLES = ['user', 'viewer', 'support', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/**
 * Roles that reach beyond their own account: a `viewer` reads what administrators read, `support` also sets overrides, resets quotas
 * and cancels requests, an `admin` does all. None of them reads a secret.
 */
export type OperatorRole = Exclude<Role, 'user'>;
export const OPERATOR_ROLES = ROLES.filter((role): role is OperatorRole => role !== 'user');

/** Whether the role may do what the other one may. */
export function includesRole(role: Role, other: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(other);
}

/** Who is calling, by whichever credential. Made by the guard, handed to handlers by `@CurrentPrincipal()`. */
export interface Principal {
  readonly userId: number;
  readonly role: Role;
  /** The role by which the credential reaches beyond its own account: by a session, or by a key with the `admin` scope; null: it does not. */
  readonly operator: OperatorRole | null;
  /** Whether it acts on everybody here: an administrator's does, another operator's on the routes that declare its role. */
  readonly isAdmin: boolean;
  readonly scopes: ReadonlySet<Scope>;
  /** The API key's id, or null for a login session. */
  readonly keyId: number | null;
  /** Whether the user has a second factor, which is not to mean that this credential came by it. */
  readonly hasSecondFactor: boolean;
  /** The session's id; null for an API key, and for a token of a release that did not name it. */
  readonly sessionId: string | null;
  /** Whether that key has a daily cap of its own. */
  readonly hasCap: boolean;
  /** Whether the user's e-mail address is proven. */
  readonly emailVerified: boolean;
  /** When the API key expires, in this process's `performance.now()`; Infinity: it does not, or it is a session. */
  readonly endsAt: number;
  /** By what the database failed when it was asked whether the credential still works: so it is only what was known before. */
  readonly unproven?: unknown;
  /** It is the command line on this process's own database, and nobody's account. */
  readonly isCommand?: true;
}

/** Who did something, as the audit log shows it. */
export interface Actor {
  kind: 'user' | 'key' | 'command' | 'system';
  id: number | null;
  requestId: string | null;
  /** The API key that they act by. */
  keyId?: number | null;
  /** Why, as they put it. */
  reason?: string | null;
}

/** The actor with why they do it. */
export function because(actor: Actor, reason: string | undefined): Actor {
  return { ...actor, reason };
}
