import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { PublicPath } from '../http/public-path';
import { SecretBox } from '../settings/secret-box';

const LIFETIME_SECONDS = 600;
const PURPOSE = 'single sign-on';
const CODE_PURPOSE = 'second factor of single sign-on';
const LINK_PURPOSE = 'link by single sign-on';
const IDENTITY_PURPOSE = 'identity to link';

/** What a provider was asked, and has to come back with. */
export interface Asked {
  provider: string;
  issuer: string;
  state: string;
  nonce: string;
  /** Proves to the provider that who began is who ends (RFC 7636). */
  verifier: string;
}

/** A login that a browser began. */
export interface PendingLogin extends Asked {
  /** Where the browser is led afterwards, with its session in a cookie; null: it is answered the tokens. */
  returnTo: string | null;
}

/** Somebody whom the provider has proven, and whose account asks for a code as well. */
export interface AwaitedCode {
  provider: string;
  issuer: string;
  userId: number;
  /** The account's at that moment: whatever ends its sessions ends this. */
  tokenVersion: number;
  returnTo: string | null;
}

/** The session that asked for an identity to be linked: no other one may end what it began. */
export interface LinkingSession {
  userId: number;
  sessionId: string;
}

/** An identity that somebody who is logged in asked to be linked. */
export interface PendingLink extends Asked, LinkingSession {
  returnTo: string;
}

/** An identity that the provider has proven, and that waits for the session that asked for it. */
export interface ProvenIdentity extends LinkingSession {
  provider: string;
  issuer: string;
  subject: string;
}

type Carried<T> = T & { provider: string; expiresAt: number };

/**
 * What a browser carries from the beginning of a login to its end: sealed, in a cookie that pages cannot read and other sites' forms do not send. Always true: a
 * login ends in the browser in which it began, within ten minutes, and leaves no cookie behind.
 */
@Injectable()
export class LoginState {
  constructor(
    private readonly secrets: SecretBox,
    private readonly path: PublicPath,
  ) {}

  cookieFor(request: FastifyRequest, login: PendingLogin, isSecure: boolean): string {
    return this.carry(PURPOSE, request, login, isSecure);
  }

  /** In place of the login's, which is over. */
  codeCookieFor(request: FastifyRequest, awaited: AwaitedCode, isSecure: boolean): string {
    return this.carry(CODE_PURPOSE, request, awaited, isSecure);
  }

  linkCookieFor(request: FastifyRequest, link: PendingLink, isSecure: boolean): string {
    return this.carry(LINK_PURPOSE, request, link, isSecure);
  }

  /** In place of the link's, whose provider has answered. */
  identityCookieFor(request: FastifyRequest, identity: ProvenIdentity, isSecure: boolean): string {
    return this.carry(IDENTITY_PURPOSE, request, identity, isSecure);
  }

  endOf(request: FastifyRequest, provider: string, isSecure: boolean): string {
    return this.cookie(request, provider, '', 0, isSecure);
  }

  /** Null: there is none, or it is over or another provider's. */
  pending(request: FastifyRequest, provider: string): PendingLogin | null {
    return this.carried<PendingLogin>(PURPOSE, request, provider);
  }

  /** Null: none is awaited, or it is over or another provider's. */
  awaitedCode(request: FastifyRequest, provider: string): AwaitedCode | null {
    return this.carried<AwaitedCode>(CODE_PURPOSE, request, provider);
  }

  /** Null: no identity is to be linked, or that is over or another provider's. */
  pendingLink(request: FastifyRequest, provider: string): PendingLink | null {
    return this.carried<PendingLink>(LINK_PURPOSE, request, provider);
  }

  /** Null: none was proven, or that is over or another provider's. */
  provenIdentity(request: FastifyRequest, provider: string): ProvenIdentity | null {
    return this.carried<ProvenIdentity>(IDENTITY_PURPOSE, request, provider);
  }

  private carry(purpose: string, request: FastifyRequest, what: { provider: string }, isSecure: boolean): string {
    const { keyId, sealed } = this.secrets.seal(purpose, { ...what, expiresAt: Date.now() + LIFETIME_SECONDS * 1_000 });
    return this.cookie(request, what.provider, `${keyId}.${Buffer.from(sealed, 'base64').toString('base64url')}`, LIFETIME_SECONDS, isSecure);
  }

  private carried<T>(purpose: string, { headers }: FastifyRequest, provider: string): T | null {
    const found = (headers.cookie ?? '').split(/; */).find((one) => one.startsWith(`${nameOf(provider)}=`));
    const [keyId = '', sealed = ''] = found?.slice(nameOf(provider).length + 1).split('.') ?? [];
    const opened = this.secrets.open(purpose, { keyId, sealed: Buffer.from(sealed, 'base64url').toString('base64') });
    if (typeof opened !== 'object' || opened === null) return null;
    const what = opened as Carried<T>;
    return what.provider === provider && what.expiresAt > Date.now() ? what : null;
  }

  private cookie(request: FastifyRequest, provider: string, value: string, maxAge: number, isSecure: boolean): string {
    const path = `${this.path.of(request)}/v1/auth/oidc/${provider}`;
    return `${nameOf(provider)}=${value}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  }
}

function nameOf(provider: string): string {
  return `quotidian-login-${provider}`;
}
