import { type FastifyRequest } from 'fastify';

const MAX_CHARS = 200;
/** Segments as nobody needs to encode them: none is empty, `.` or `..`. */
const PREFIX = /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;

/** `/quotas/` → `/quotas`, `/` → the empty text; null for what is no path prefix. */
export function prefixOf(text: string): string | null {
  const bare = text.endsWith('/') ? text.slice(0, -1) : text;
  return bare === '' || (bare.length <= MAX_CHARS && PREFIX.test(bare)) ? bare : null;
}

export interface PublicPathOptions {
  /** The prefix that this service was given (`BASE_PATH`); empty: none. */
  basePath: string;
  /** Whether the address, so far from us, is a proxy whose `X-Forwarded-Prefix` is believed. */
  trusts: ((address: string, hop: number) => boolean) | false;
}

/**
 * Below which path browsers see this service: `X-Forwarded-Prefix` of a trusted proxy, else `BASE_PATH`. Always true: what is returned can stand in a page,
 * a header and a cookie as it is, whatever anybody sent.
 */
export class PublicPath {
  constructor(private readonly options: PublicPathOptions) {}

  /** Empty, or a path without the slash at its end. */
  of({ headers, socket }: FastifyRequest): string {
    const { basePath, trusts } = this.options;
    const sent = headers['x-forwarded-prefix'];
    if (typeof sent !== 'string' || !trusts || !trusts(socket.remoteAddress ?? '', 0)) return basePath;
    return prefixOf(sent) ?? basePath;
  }

  /** The URL without `BASE_PATH`, which a proxy may leave in place or not. */
  strip(url: string): string {
    const { basePath } = this.options;
    if (basePath === '' || !url.startsWith(basePath)) return url;
    const rest = url.slice(basePath.length);
    return rest === '' || rest.startsWith('?') ? `/${rest}` : rest.startsWith('/') ? rest : url;
  }
}
