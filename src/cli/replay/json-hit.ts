import { addressOf, nameOf } from './client-address';

/** Where JSON logs have what a hit is made of: nginx, Apache, Caddy, Traefik, Envoy and pino, in this order of trust. */
const CLIENT = [
  'remote_addr',
  'remote_ip',
  'remoteAddress',
  'client_ip',
  'clientip',
  'client_addr',
  'ClientHost',
  'ClientAddr',
  'downstream_remote_address',
  'request.client_ip',
  'request.remote_ip',
  'req.remoteAddress',
  'client.ip',
  'client',
  'ip',
  'remote_host',
  'host_ip',
];
const REQUEST = ['request', 'request_line'];
const METHOD = ['request_method', 'method', 'RequestMethod', 'request.method', 'req.method', 'http.request.method', 'verb'];
const PATH = ['request_uri', 'uri', 'RequestPath', 'path', 'request.uri', 'req.url', 'url.original', 'url'];
const STATUS = ['status', 'status_code', 'DownstreamStatus', 'response_code', 'res.statusCode', 'http.response.status_code', 'response'];
const BYTES = ['body_bytes_sent', 'bytes_sent', 'bytes', 'size', 'DownstreamContentSize', 'http.response.body.bytes'];
const AT = ['time_iso8601', '@timestamp', 'timestamp', 'StartUTC', 'start_time', 'time', 'time_local', 'ts'];
const REFERRER = ['http_referer', 'referer', 'referrer', 'request_Referer'];
const AGENT = ['http_user_agent', 'user_agent', 'agent', 'user_agent.original', 'request_User-Agent'];

export interface JsonHit {
  client: string;
  at: string;
  method: string;
  path: string;
  status: number;
  bytes: number;
  referrer: string | undefined;
  agent: string | undefined;
}

/** A line of a JSON log. @returns why it is no hit otherwise */
export function readJsonHit(text: string): JsonHit | 'JSON that cannot be read' | 'JSON without a client' | 'JSON without a request' {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return 'JSON that cannot be read';
  }
  const find = (places: string[]) => places.map((place) => memberOf(line, place)).find((value) => value !== undefined);
  const client = find(CLIENT);
  if (client === undefined) return 'JSON without a client';
  const [requestMethod, requestPath] = find(REQUEST)?.split(' ', 2) ?? [];
  const [method, path] = [find(METHOD) ?? requestMethod, find(PATH) ?? requestPath];
  if (method === undefined && path === undefined) return 'JSON without a request';
  // Several addresses, as of X-Forwarded-For: the first one is the client.
  const first = client.split(',', 1)[0]?.trim() ?? '';
  return {
    client: addressOf(first) ?? nameOf(first),
    at: find(AT) ?? '',
    method: method ?? '',
    path: path ?? '',
    status: wholeOf(find(STATUS)),
    bytes: wholeOf(find(BYTES)),
    referrer: find(REFERRER),
    agent: find(AGENT),
  };
}

/** A text or a number at a place; a name with dots is itself a member in some logs. */
function memberOf(line: unknown, place: string): string | undefined {
  const value = own(line, place) ?? place.split('.').reduce(own, line);
  return typeof value === 'string' && value !== '' && value !== '-' ? value : typeof value === 'number' ? String(value) : undefined;
}

function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function wholeOf(text: string | undefined): number {
  const number = Number(text ?? 0);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
