// Counts the words of `payload.text`, in any language that Unicode knows how to split.
import { createClient, createWorker, PermanentError } from '@quotidian/client';

const { QUOTIDIAN_URL = 'http://localhost:3000', QUOTIDIAN_KEY } = process.env;
if (!QUOTIDIAN_KEY) throw new Error('QUOTIDIAN_KEY must be an API key with the scope `worker`.');

const words = new Intl.Segmenter(undefined, { granularity: 'word' });

function countWords(text) {
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count++;
  return count;
}

const worker = createWorker({
  client: createClient({ baseUrl: QUOTIDIAN_URL, apiKey: QUOTIDIAN_KEY }),
  types: ['word-count'],
  concurrency: 4,
  handler({ id, payload }) {
    if (typeof payload.text !== 'string') throw new PermanentError('payload.text must be the document');
    const result = { words: countWords(payload.text) };
    console.log(`${id}: ${result.words} words`);
    return result;
  },
});

console.log(`Counting words for ${QUOTIDIAN_URL}; Ctrl-C finishes what runs and ends.`);
await worker.finished;
