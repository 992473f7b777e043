import { type Worker } from 'node:cluster';

interface Handle {
  close(): void;
}

/** What node:cluster sends between its processes. */
interface Internal {
  act?: string;
  seq?: number;
  ack?: number;
}

/**
 * Ends the connections that were on their way to a worker when it died. node:cluster waits for the worker to state that it has taken
 * them, for ever: their callers would hang until they give up by themselves. Now they see at once that nobody answers.
 */
export function endLostConnections(worker: Worker): void {
  const underWay = new Map<number, Handle>();
  const child = worker.process as unknown as { send: (message: Internal, handle?: Handle, ...rest: unknown[]) => boolean } & NodeJS.EventEmitter;
  const send = child.send.bind(child);
  child.send = (message, handle, ...rest) => {
    if (message.act === 'newconn' && message.seq !== undefined && handle) underWay.set(message.seq, handle);
    return send(message, handle, ...rest);
  };
  child.on('internalMessage', ({ ack }: Internal) => {
    if (ack !== undefined) underWay.delete(ack);
  });
  worker.once('exit', () => {
    for (const handle of underWay.values()) handle.close();
    underWay.clear();
  });
}
