import { load } from 'js-yaml';
import { type Addresses, configurationOf } from '../support/proxy-process';
import { type StartedProxy } from './guarantees';
import { type Answer, type Message, only, pass, playProxy, resolved } from './played-proxy';

interface ForwardAuth {
  address: string;
  authRequestHeaders: string[];
  authResponseHeaders: string[];
}

interface Middleware {
  headers?: { customRequestHeaders: Record<string, string> };
  forwardAuth?: ForwardAuth;
}

interface DynamicConfiguration {
  http: {
    routers: Record<string, { rule: string; middlewares: string[]; service: string }>;
    middlewares: Record<string, Middleware>;
    services: Record<string, { loadBalancer: { servers: { url: string }[] } }>;
  };
}

const EMPTY = Buffer.alloc(0);

/** Plays Traefik 3.3.6 and newer, with what its file provider would read: headers and forwardAuth, routers by prefix. */
export function playTraefik(file: string, addresses: Addresses): Promise<StartedProxy> {
  const { http } = load(configurationOf(file, addresses)) as DynamicConfiguration;
  only(http, 'routers', 'middlewares', 'services');
  // The longer rule comes first.
  const routers = Object.values(http.routers).sort((a, b) => b.rule.length - a.rule.length);
  return playProxy(async (message) => {
    const call = { ...message, path: resolved(message.path) };
    const router = routers.find(({ rule }) => call.path.startsWith(prefixOf(rule)));
    if (!router) return { status: 404, headers: {}, body: EMPTY };
    for (const name of only(router, 'rule', 'middlewares', 'service').middlewares) {
      const { headers, forwardAuth } = only(http.middlewares[name], 'headers', 'forwardAuth');
      for (const [field, value] of Object.entries(headers ? only(headers, 'customRequestHeaders').customRequestHeaders : {})) put(call, field, value);
      const refusal = forwardAuth && (await ask(forwardAuth, call));
      if (refusal) return refusal;
    }
    return pass(http.services[router.service].loadBalancer.servers[0].url, call);
  });
}

/** Asks by GET without a body. Gives the answer that is the client's as it is, or takes the listed fields over, each replaced or removed. */
async function ask(auth: ForwardAuth, call: Message): Promise<Answer | null> {
  const { address, authRequestHeaders, authResponseHeaders } = only(auth, 'address', 'authRequestHeaders', 'authResponseHeaders');
  const { origin, pathname } = new URL(address);
  const listed = authRequestHeaders.map((name) => name.toLowerCase()).filter((name) => call.headers[name] !== undefined);
  const headers = {
    ...Object.fromEntries(listed.map((name) => [name, call.headers[name]])),
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-method': call.method,
    'x-forwarded-proto': 'http',
    'x-forwarded-host': call.headers.host,
    'x-forwarded-uri': call.path,
  };
  const answer = await pass(origin, { method: 'GET', path: pathname, headers, body: EMPTY }).catch(() => ({ status: 500, headers: {}, body: EMPTY }));
  if (answer.status < 200 || answer.status >= 300) return answer;
  for (const name of authResponseHeaders) put(call, name, String((answer.headers as Message['headers'])[name.toLowerCase()] ?? ''));
  return null;
}

function put({ headers }: Message, name: string, value: string): void {
  if (value === '') delete headers[name.toLowerCase()];
  else headers[name.toLowerCase()] = value;
}

function prefixOf(rule: string): string {
  const prefix = /^PathPrefix\(`([^`]*)`\)$/.exec(rule)?.[1];
  if (prefix === undefined) throw new Error(`the rule ${rule} is not played`);
  return prefix;
}
