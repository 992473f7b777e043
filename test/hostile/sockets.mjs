import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Raw connections of one hostile caller: what it holds open is let go together. */
export class Sockets {
  open = new Set();
  /** @type {Record<string, number>} */
  statuses = {};
  over = false;

  constructor(port) {
    this.port = port;
  }

  /**
   * @param {(socket: import('node:net').Socket) => void} onConnect
   * @param {{ reads?: boolean, again?: boolean }} [options] `again` opens another one when this one is closed
   */
  connect(onConnect, { reads = true, again = false } = {}) {
    if (this.over) return Promise.resolve(undefined);
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    this.open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.open.delete(socket);
      if (again && !this.over) void delay(50).then(() => void this.connect(onConnect, { reads, again }));
    });
    if (reads) socket.on('data', (chunk) => this.note(chunk));
    else socket.pause();
    socket.once('connect', () => onConnect(socket));
    return Promise.resolve(socket);
  }

  note(chunk) {
    for (const [, status] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g)) this.statuses[status] = (this.statuses[status] ?? 0) + 1;
  }

  close() {
    this.over = true;
    for (const socket of this.open) socket.destroy();
  }
}

/**
 * A request as it stands on the wire.
 * @param {string} method
 * @param {string} path
 * @param {{ key?: string, body?: string, headers?: string }} [options]
 */
export function wire(method, path, { key, body, headers = '' } = {}) {
  const credential = key === undefined ? '' : `Authorization: Bearer ${key}\r\n`;
  const content = body === undefined ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n${credential}${content}${headers}\r\n${body ?? ''}`;
}
