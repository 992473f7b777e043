import { load } from 'js-yaml';
import { type Addresses, configurationOf } from '../support/proxy-process';
import { type StartedProxy } from './guarantees';
import { type Answer, type Message, only, pass, playProxy, resolved } from './played-proxy';

interface Names {
  patterns: { exact: string }[];
}

interface Mutations {
  mutations: { request_mutations: { append: { header: { key: string; value: string }; append_action: string } }[] };
}

interface ExtAuthz {
  status_on_error: { code: string };
  failure_mode_allow: boolean;
  allowed_headers: Names;
  http_service: {
    server_uri: { cluster: string };
    path_prefix: string;
    authorization_request: { headers_to_add: { key: string; value: string }[] };
    authorization_response: { allowed_upstream_headers: Names; allowed_client_headers_on_success: Names };
  };
}

interface Route {
  match: { prefix: string };
  route: { cluster: string };
  typed_per_filter_config?: Record<string, Mutations>;
}

interface ConnectionManager {
  normalize_path: boolean;
  merge_slashes: boolean;
  route_config: { virtual_hosts: { request_headers_to_remove: string[]; routes: Route[] }[] };
  http_filters: { name: string; typed_config: unknown }[];
}

interface Cluster {
  name: string;
  load_assignment: { endpoints: { lb_endpoints: { endpoint: { address: { socket_address: { address: string; port_value: number } } } }[] }[] };
}

interface Bootstrap {
  static_resources: { listeners: { filter_chains: { filters: { typed_config: ConnectionManager }[] }[] }[]; clusters: Cluster[] };
}

const MUTATION = 'envoy.filters.http.header_mutation';
const EMPTY = Buffer.alloc(0);
const STATUS: Record<string, number> = { ServiceUnavailable: 503 };

/** Plays Envoy 1.30 and newer: one virtual host with routes by prefix, header_mutation, then ext_authz over HTTP, then the router. */
export function playEnvoy(file: string, addresses: Addresses): Promise<StartedProxy> {
  const { static_resources: resources } = load(configurationOf(file, asSockets(addresses))) as Bootstrap;
  const manager = resources.listeners[0].filter_chains[0].filters[0].typed_config;
  const [mutation, authz, router] = manager.http_filters;
  if (mutation.name !== MUTATION || authz.name !== 'envoy.filters.http.ext_authz' || router.name !== 'envoy.filters.http.router') {
    throw new Error('this chain of filters is not played');
  }
  if (!manager.normalize_path || !manager.merge_slashes) throw new Error('paths as they come are not played');
  const [host] = manager.route_config.virtual_hosts;
  const origins = new Map(resources.clusters.map((cluster) => [cluster.name, originOf(cluster)]));
  return playProxy(async (message) => {
    const call = { ...message, path: resolved(message.path) };
    const route = host.routes.find(({ match }) => call.path.startsWith(only(match, 'prefix').prefix));
    if (!route) return { status: 404, headers: {}, body: EMPTY };
    // The filter's own, then the route's.
    for (const config of [mutation.typed_config as Mutations, route.typed_per_filter_config?.[MUTATION]]) if (config) mutate(call, config);
    const { refusal, toClient } = await ask(authz.typed_config as ExtAuthz, origins, call);
    if (refusal) return refusal;
    for (const name of host.request_headers_to_remove) delete call.headers[name];
    const answer = await pass(origins.get(route.route.cluster)!, call);
    return { ...answer, headers: { ...answer.headers, ...toClient } };
  });
}

/** Asks with the call's method and its path behind the prefix, without a body. 200 alone is a yes; a 5xx and silence are errors of the check. */
async function ask(config: ExtAuthz, origins: Map<string, string>, call: Message): Promise<{ refusal?: Answer; toClient?: Message['headers'] }> {
  const { server_uri: uri, path_prefix: prefix, authorization_request: asked, authorization_response: answering } = config.http_service;
  const sent = ['authorization', 'host', ...namesOf(config.allowed_headers)].filter((name) => call.headers[name] !== undefined);
  const headers: Message['headers'] = Object.fromEntries(sent.map((name) => [name, call.headers[name]]));
  for (const { key, value } of only(asked, 'headers_to_add').headers_to_add) headers[key] = value;
  const answer = await pass(origins.get(uri.cluster)!, { method: call.method, path: prefix + call.path, headers, body: EMPTY }).catch(() => null);
  if (answer === null || answer.status >= 500) {
    if (config.failure_mode_allow) throw new Error('letting everything through is not played');
    return { refusal: { status: STATUS[config.status_on_error.code], headers: {}, body: EMPTY } };
  }
  if (answer.status !== 200) return { refusal: answer };
  only(answering, 'allowed_upstream_headers', 'allowed_client_headers_on_success');
  Object.assign(call.headers, pick(answer, answering.allowed_upstream_headers));
  return { toClient: pick(answer, answering.allowed_client_headers_on_success) };
}

function mutate({ headers }: Message, { mutations }: Mutations): void {
  for (const { append } of only(mutations, 'request_mutations').request_mutations) {
    if (append.append_action !== 'OVERWRITE_IF_EXISTS_OR_ADD') throw new Error(`${append.append_action} is not played`);
    headers[append.header.key] = append.header.value;
  }
}

function pick({ headers }: Answer, names: Names): Message['headers'] {
  return Object.fromEntries(namesOf(names).flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}

function namesOf({ patterns }: Names): string[] {
  return patterns.map((pattern) => only(pattern, 'exact').exact);
}

function originOf({ load_assignment: { endpoints } }: Cluster): string {
  const { address, port_value: port } = endpoints[0].lb_endpoints[0].endpoint.address.socket_address;
  return `http://${address}:${port}`;
}

/** Addresses as Envoy writes them. */
function asSockets(addresses: Addresses): Addresses {
  const socket = (text: string) => text.replace(/^(.*):(\d+)$/, 'address: $1, port_value: $2');
  return Object.fromEntries(Object.entries(addresses).map(([named, actual]) => [socket(named), socket(actual)]));
}
