import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface StallingProxy {
  port: number;
  /** From now on nothing passes and nobody is reported: a half-open link. Connections opened meanwhile hang as well. */
  stall(): void;
  /** Lets new connections through; those that lost something stay dead, as behind a firewall that lost its state. */
  resume(): void;
  close(): Promise<void>;
}

/** Forwards TCP to the target, a socket's path or host and port, until it is asked to stall. */
export async function startStallingProxy(target: { path: string } | { host: string; port: number }): Promise<StallingProxy> {
  let stalled = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => client.destroy());
    if (stalled) return;
    const upstream = connect(target);
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      let dead = false;
      from.on('data', (chunk) => {
        dead ||= stalled;
        if (!dead) to.write(chunk);
      });
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stall: () => (stalled = true),
    resume: () => (stalled = false),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
