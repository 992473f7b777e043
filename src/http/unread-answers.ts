import { type Socket } from 'node:net';

/** What a client has not taken any of for so long is not waited for. */
const PATIENCE_MS = 60_000;

/**
 * Closes connections whose clients take none of what was sent to them: their answers are kept in memory, and nobody reads
 * them. What is being taken, however slowly, and what waits for nothing are left alone.
 */
export class UnreadAnswers {
  private readonly sockets = new Map<Socket, number>();

  constructor(patienceMs = PATIENCE_MS) {
    setInterval(() => this.sweep(), patienceMs).unref();
  }

  readonly watch = (socket: Socket): void => {
    this.sockets.set(socket, -1);
    socket.once('close', () => this.sockets.delete(socket));
  };

  private sweep(): void {
    for (const [socket, takenBefore] of this.sockets) {
      // Sent in all, but for what is still ours.
      const taken = socket.writableLength === 0 ? -1 : socket.bytesWritten - socket.writableLength;
      if (taken !== -1 && taken === takenBefore) socket.destroy();
      else this.sockets.set(socket, taken);
    }
  }
}
