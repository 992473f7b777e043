import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { SecretBox } from '../settings/secret-box';

const LIFETIME_SECONDS = 600;
const PURPOSE = 'single sign-on';

/** A login that a browser began. */
export interface PendingLogin {
  provider: string;
  issuer: string;
  state: string;
  nonce: string;
  /** Proves to the provider that who began is who ends (RFC 7636). */
  verifier: string;
}

/**
 * What a browser carries from the beginning of a login to its end: sealed, in a cookie that pages cannot read and other sites' forms do not send. Always true: a
 * login ends in the browser in which it began, within ten minutes, and leaves no cookie behind.
 */
@Injectable()
export class LoginState {
  constructor(private readonly secrets: SecretBox) {}

  cookieFor(login: PendingLogin, isSecure: boolean): string {
    const { keyId, sealed } = this.secrets.seal(PURPOSE, { ...login, expiresAt: Date.now() + LIFETIME_SECONDS * 1_000 });
    return cookie(login.provider, `${keyId}.${Buffer.from(sealed, 'base64').toString('base64url')}`, LIFETIME_SECONDS, isSecure);
  }

  endOf(provider: string, isSecure: boolean): string {
    return cookie(provider, '', 0, isSecure);
  }

  /** Null: there is none, or it is over or another provider's. */
  pending({ headers }: FastifyRequest, provider: string): PendingLogin | null {
    const found = (headers.cookie ?? '').split(/; */).find((one) => one.startsWith(`${nameOf(provider)}=`));
    const [keyId = '', sealed = ''] = found?.slice(nameOf(provider).length + 1).split('.') ?? [];
    const opened = this.secrets.open(PURPOSE, { keyId, sealed: Buffer.from(sealed, 'base64url').toString('base64') });
    if (typeof opened !== 'object' || opened === null) return null;
    const login = opened as PendingLogin & { expiresAt: number };
    return login.provider === provider && login.expiresAt > Date.now() ? login : null;
  }
}

function nameOf(provider: string): string {
  return `quotidian-login-${provider}`;
}

function cookie(provider: string, value: string, maxAge: number, isSecure: boolean): string {
  return `${nameOf(provider)}=${value}; Path=/v1/auth/oidc/${provider}; Max-Age=${maxAge}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
}
