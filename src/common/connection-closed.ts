import { type Socket } from 'node:net';

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back when the connection has closed. An answer that stands behind others on its connection (pipelining) is not
 * told so by Node; and there is one listener a connection, however many calls came in on it.
 * @returns what takes the call back
 */
export function onConnectionClosed(socket: Socket, gone: () => void): () => void {
  if (socket.destroyed) {
    gone();
    return () => undefined;
  }
  let calls = waiting.get(socket);
  if (calls === undefined) {
    const all = new Set<() => void>();
    waiting.set(socket, (calls = all));
    socket.once('close', () => {
      for (const call of all) call();
    });
  }
  calls.add(gone);
  return () => void calls.delete(gone);
}
