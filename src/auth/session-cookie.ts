import { Injectable } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { PublicPath } from '../http/public-path';
import { CrossSiteRefused } from './auth.errors';
import { type BegunTokens } from './auth.service';
import { type TokensDto } from './dto/tokens.dto';

const NAME = 'quotidian-session';
/** As long as a refresh token: 30 days. */
const MAX_AGE_SECONDS = 30 * 24 * 3_600;

/**
 * The session of a browser: its refresh token in a cookie. Always true: no page can read it, it goes to `/v1/auth` of this service alone, in the clear only where
 * the page itself did, and nothing is done by it for a page that is not ours.
 */
@Injectable()
export class SessionCookie {
  constructor(private readonly path: PublicPath) {}

  /** The refresh token that the browser sent; null: none, or several of that name, of which somebody else set one. @throws CrossSiteRefused */
  tokenOf(request: FastifyRequest): string | null {
    this.assertOwnPage(request);
    const start = `${nameFor(request)}=`;
    const found = (request.headers.cookie ?? '').split(/; */).filter((one) => one.startsWith(start));
    return found.length === 1 ? (found[0] as string).slice(start.length) : null;
  }

  /** Puts the refresh token into the cookie, and returns the rest. */
  keep(request: FastifyRequest, reply: FastifyReply, { refreshToken, ...rest }: BegunTokens): TokensDto {
    void reply.header('set-cookie', this.cookie(request, refreshToken, MAX_AGE_SECONDS));
    return rest;
  }

  /** Has the browser forget it. */
  forget(request: FastifyRequest, reply: FastifyReply): void {
    void reply.header('set-cookie', this.cookie(request, '', 0));
  }

  /**
   * Browsers state on every POST where it comes from: in `Sec-Fetch-Site` where that can be trusted, and in `Origin`, whose host must be the one that was
   * asked. `SameSite` alone lets other hosts of the same site through. What states neither is no browser, and has no need of a cookie. @throws CrossSiteRefused
   */
  assertOwnPage({ headers, host }: FastifyRequest): void {
    const site = headers['sec-fetch-site'];
    const isOurs = site === undefined ? hostOf(headers.origin) === host.toLowerCase() : site === 'same-origin';
    if (!isOurs) throw new CrossSiteRefused();
  }

  private cookie(request: FastifyRequest, value: string, maxAge: number): string {
    const attributes = `Path=${this.path.of(request)}/v1/auth; Max-Age=${maxAge}; HttpOnly; SameSite=Strict`;
    return `${nameFor(request)}=${value}; ${attributes}${isSecure(request) ? '; Secure' : ''}`;
  }
}

/** Browsers take the prefix as a promise: no page in the clear can have set it. */
function nameFor(request: FastifyRequest): string {
  return isSecure(request) ? `__Secure-${NAME}` : NAME;
}

function isSecure({ protocol }: FastifyRequest): boolean {
  return protocol === 'https';
}

function hostOf(origin: string | undefined): string | null {
  return origin !== undefined && URL.canParse(origin) ? new URL(origin).host : null;
}
