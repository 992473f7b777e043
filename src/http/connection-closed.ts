import { type Socket } from 'node:net';

interface Closing {
  close(): void;
}

const open = new WeakMap<Socket, Closing[]>();

/**
 * Closes what depends on the connection when that has closed. An answer that stands behind others on its connection
 * (pipelining) gets no notice of it from Node; and there is one listener a connection, however many calls came in on it.
 */
export function closeWithConnection(socket: Socket, one: Closing): void {
  if (socket.destroyed) return one.close();
  const others = open.get(socket);
  if (others) return void others.push(one);
  open.set(socket, [one]);
  socket.once('close', closeAll);
}

/** It is over before its connection. */
export function outliveConnection(socket: Socket, one: Closing): void {
  const all = open.get(socket);
  if (all) all.splice(all.indexOf(one) >>> 0, 1);
}

function closeAll(this: Socket): void {
  for (const one of open.get(this) ?? []) one.close();
}
