const PATH = '/v1/authorize';

/** Of a target in absolute form, which a server must take (RFC 9112, section 3.2.2). */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/**
 * The URL that the router sees. Proxies append the path that they were asked for (Envoy does), which may be longer than the
 * router takes, or not decodable: of a path below the check only the query is left. Methods beside GET and POST are sent
 * there too, so that those two alone stand in the document.
 */
export function routedUrl(method: string | undefined, target: string): string {
  const url = target.startsWith('/') ? target : target.replace(ORIGIN, '');
  if (!url.startsWith(PATH)) return url;
  const next = url[PATH.length];
  if (next !== undefined && next !== '/' && next !== '?') return url;
  if (next !== '/' && (method === 'GET' || method === 'POST')) return url;
  const query = url.indexOf('?');
  return `${PATH}/${query === -1 ? '' : url.slice(query)}`;
}
