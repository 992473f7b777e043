import { isIPv6 } from 'node:net';
import { type buildConnector, Client, buildConnector as makeConnector } from 'undici';
import { CONNECT_TIMEOUT_MS } from './pinned-connector';

/** Connects to the address through a proxy. */
export type Tunnel = (address: string, options: buildConnector.Options, callback: buildConnector.Callback) => void;

/** The proxy did not let it through, or is not there: nothing that the endpoint is to blame for. */
export class ProxyFailed extends Error {
  readonly code = 'proxy-failed';
}

/**
 * A way through the operator's forward proxy by CONNECT, to the address that was checked rather than to the name, so that
 * the proxy resolves nothing anew. TLS is spoken with the endpoint itself.
 *
 * @param proxy `http://` or `https://`, with credentials where the proxy asks for them
 */
export function proxyTunnel(proxy: URL): Tunnel {
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = proxy.username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
  const secure = makeConnector({ timeout: CONNECT_TIMEOUT_MS });
  const open = async (address: string, port: string) => {
    const client = new Client(proxy.origin, { connect: { timeout: CONNECT_TIMEOUT_MS } });
    const path = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
    const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    const { statusCode, socket } = await client.connect({ path, headers: { host: path, ...authorization }, signal }).catch((error: Error) => {
      void client.destroy();
      throw new ProxyFailed(error.message);
    });
    if (statusCode === 200) return socket;
    socket.on('error', () => undefined).destroy();
    void client.destroy();
    throw new ProxyFailed(`the proxy answered ${statusCode}`);
  };
  return (address, options, callback) => {
    open(address, options.port || (options.protocol === 'https:' ? '443' : '80')).then(
      (socket) => {
        if (options.protocol === 'https:') secure({ ...options, httpSocket: socket as never }, callback);
        else callback(null, socket as never);
      },
      (error: Error) => callback(error, null),
    );
  };
}
