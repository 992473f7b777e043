import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';

/** A worker that is busy is left out; Prometheus itself waits ten seconds. */
const ANSWER_TIMEOUT_MS = 1_000;

/** Between the processes of `serve --workers`, through the one that started them. */
type Message =
  | { figures: 'ask'; id: number }
  | { figures: 'of'; id: number; asker: number }
  | { figures: 'are'; id: number; asker: number; text: string }
  | { figures: 'all'; id: number; texts: string[] };

/** In the process that starts the others: passes on their questions for each other's figures, and the answers. */
export function gatherFigures(): void {
  const answers = new Map<string, (text: string) => void>();
  // One that starts serves nobody yet: who counts the processes that are seen counts on those that take calls.
  const listening = new WeakSet<Worker>();
  cluster.on('listening', (worker) => listening.add(worker));
  const key = (asker: number, id: number, of: number) => `${asker} ${id} ${of}`;
  const ask = async (worker: Worker, asker: number, id: number): Promise<string[]> => {
    const name = key(asker, id, worker.id);
    const answer = new Promise<string>((resolve) => answers.set(name, resolve));
    if (worker.isConnected()) worker.send({ figures: 'of', id, asker } satisfies Message, ignore);
    const text = await Promise.race([answer, delay(ANSWER_TIMEOUT_MS, null, { ref: false })]);
    answers.delete(name);
    return text === null ? [] : [text];
  };
  cluster.on('message', (from: Worker, message: Message) => {
    if (message.figures === 'are') answers.get(key(message.asker, message.id, from.id))?.(message.text);
    if (message.figures !== 'ask') return;
    const others = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined && worker !== from && listening.has(worker)) as Worker[];
    void Promise.all(others.map((other) => ask(other, from.id, message.id))).then((texts) => {
      if (from.isConnected()) from.send({ figures: 'all', id: message.id, texts: texts.flat() } satisfies Message, ignore);
    });
  });
}

/** In a worker process: gives its own figures to the others. Returns the question for theirs. */
export function shareFigures(own: () => Promise<string>): () => Promise<string[]> {
  const waiting = new Map<number, (texts: string[]) => void>();
  let last = 0;
  process.on('message', (message: Message) => {
    if (message.figures === 'all') waiting.get(message.id)?.(message.texts);
    if (message.figures !== 'of') return;
    void own().then((text) => send({ figures: 'are', id: message.id, asker: message.asker, text }));
  });
  return async () => {
    const id = ++last;
    const answer = new Promise<string[]>((resolve) => waiting.set(id, resolve));
    send({ figures: 'ask', id });
    const texts = await Promise.race([answer, delay(2 * ANSWER_TIMEOUT_MS, [], { ref: false })]);
    waiting.delete(id);
    return texts;
  };
}

/** Expositions that each have all series of one process, as one: what belongs to one metric stands together, below one header. */
export function mergeFigures(texts: string[]): string {
  const families = new Map<string, string[]>();
  for (const family of texts.flatMap((text) => text.trim().split('\n\n'))) {
    const lines = family.split('\n');
    const header = lines.filter((line) => line.startsWith('#')).join('\n');
    families.set(header, [...(families.get(header) ?? []), ...lines.filter((line) => !line.startsWith('#'))]);
  }
  return `${[...families].map(([header, lines]) => [header, ...lines].join('\n')).join('\n\n')}\n`;
}

function send(message: Message): void {
  process.send?.(message, undefined, undefined, ignore);
}

/** The other side is gone: nobody waits for it any more. */
function ignore(): void {}
