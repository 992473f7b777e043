import { isIP } from 'node:net';
import { type FieldError } from '../http/problem';
import { type AddressPolicy } from './addresses';

export const MAX_URL_CHARS = 2_048;

/** Ports at and above 1024 where other protocols listen: databases, caches, brokers, and those that the Fetch standard refuses. */
const PORTS_OF_OTHERS = new Set([
  1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 5984, 6000, 6379, 6566, 6665, 6666, 6667, 6668,
  6669, 6679, 6697, 7000, 7001, 8086, 9042, 9092, 9200, 9300, 10080, 10250, 11211, 27017, 27018,
]);

/** What the settings allow of an address. */
export interface UrlRules {
  allowHttp: boolean;
  policy: AddressPolicy;
}

/** Whether the text is a name that means this machine (RFC 6761), with or without the dot at its end. */
export function isLocalName(hostname: string): boolean {
  return /(^|\.)localhost\.?$/i.test(hostname);
}

/** The host of a URL without the brackets of an IPv6 address. */
export function bareHost({ hostname }: Pick<URL, 'hostname'>): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Why deliveries cannot go to the URL; null: they can, as far as can be known without asking for the addresses of its name. */
export function urlFlaw(text: string, { allowHttp, policy }: UrlRules): FieldError | null {
  const flaw = (code: string, detail: string): FieldError => ({ pointer: '#/url', detail, code });
  if (text.length > MAX_URL_CHARS) return flaw('too-long', `must be shorter than or equal to ${MAX_URL_CHARS} characters`);
  // The parser steps over blanks and control characters, and turns names of other scripts into ASCII: what is shown is what is meant.
  const url = /[^\x21-\x7e]|\\/.test(text) ? null : parsed(text);
  if (url === null) return flaw('malformed-url', 'must be a URL, such as https://example.com/webhooks');
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) return flaw('https-required', 'must begin with https://');
  if (url.username !== '' || url.password !== '' || /^https?:\/+[^/?#]*@/i.test(text))
    return flaw('credentials-in-url', 'must not contain a user or a password');
  if (url.hash !== '') return flaw('fragment-in-url', 'must not contain a fragment');
  if (isPortOfOthers(url))
    return flaw('port-not-allowed', 'must have a port where HTTP is served: 443, 80 or one above 1023 that no other protocol is known to use');
  const host = bareHost(url);
  if (isIP(host) !== 0 && !policy.allows(host)) return flaw('address-not-allowed', 'must not be an address of a private network');
  if (isLocalName(host) && !policy.allows('127.0.0.1') && !policy.allows('::1')) return flaw('address-not-allowed', 'must not be this machine');
  return null;
}

function isPortOfOthers({ port }: URL): boolean {
  if (port === '' || port === '80' || port === '443') return false;
  return Number(port) < 1_024 || PORTS_OF_OTHERS.has(Number(port));
}

function parsed(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
