import { MAX_TIMER_MS } from './pause';

interface ServerSentEvent {
  id: string;
  data: string;
}

/** The events of a stream until it ends, breaks or is silent for too long: whoever has its last id goes on where it was. */
export async function* eventsIn(body: ReadableStream<Uint8Array>, longestSilenceMs: number): AsyncGenerator<ServerSentEvent, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (let chunk; (chunk = await next(reader, longestSilenceMs)) !== null;) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function next(reader: ReadableStreamDefaultReader<string>, longestSilenceMs: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), Math.min(longestSilenceMs, MAX_TIMER_MS))));
  const read = reader.read().then(
    ({ done, value }) => (done ? null : value),
    () => null,
  );
  try {
    return await Promise.race([read, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lines that begin with a colon are there to keep the connection open. */
function eventOf(block: string): ServerSentEvent | null {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const [id, data] = [field('id'), field('data')];
  return id === undefined || data === undefined ? null : { id, data };
}
