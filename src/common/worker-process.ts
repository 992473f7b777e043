import cluster from 'node:cluster';

/** Which process of `serve --workers` this is, as the one that started it has given it. */
interface Place {
  /** From 1; who takes the place of one that died has its number. */
  number: number;
  of: number;
}

/** The variables of a worker process at a place. */
export function placeVariables({ number, of }: Place): Record<string, string> {
  return { QUOTIDIAN_WORKER: `${number}/${of}` };
}

/** Null: this process serves alone. */
export function workerPlace(): Place | null {
  if (!cluster.isWorker) return null;
  const [number = 1, of = 1] = (process.env.QUOTIDIAN_WORKER ?? '').split('/').map(Number);
  return { number, of };
}

/** Whether this is the very first process of a start, which shows where the service listens. */
export function showsBanner(): boolean {
  return !cluster.isWorker || cluster.worker?.id === 1;
}
