import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection of the test's own, to send what no client library would. */
export interface RawConnection {
  socket: Socket;
  /** All that came back so far. */
  text: () => string;
  /** When the other side has closed it. */
  closed: Promise<void>;
  send(method: string, path: string, key: string, body?: object): void;
}

export async function rawConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    socket,
    text: () => text,
    closed,
    send: (method, path, key, body) => {
      const json = body === undefined ? '' : JSON.stringify(body);
      const fields = body === undefined ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n`;
      socket.write(`${method} ${path} HTTP/1.1\r\nhost: quotidian\r\nauthorization: Bearer ${key}\r\n${fields}\r\n${json}`);
    },
  };
}
