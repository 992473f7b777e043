// A small AI API, metered by Quotidian: its customers spend one unit for each token. The model is a toy; the metering is not.
//
//   QUOTIDIAN_URL=http://127.0.0.1:3000 QUOTIDIAN_WORKER_KEY=qtd_… PORT=4000 node examples/ai-api/server.mjs
import { createServer } from 'node:http';

const QUOTIDIAN = process.env.QUOTIDIAN_URL ?? 'http://127.0.0.1:3000';
const WORKER_KEY = process.env.QUOTIDIAN_WORKER_KEY;
const PORT = Number(process.env.PORT ?? 4000);
/** What an answer may cost, in tokens: held before the model runs. What it does not use goes back. */
const MAX_TOKENS = 200;
/** The fields that tell a customer what is left. */
const FIELDS = ['ratelimit', 'ratelimit-policy', 'retry-after'];

async function serve(request, response) {
  if (request.method !== 'POST' || request.url !== '/complete') return answer(response, 404, { error: 'There is POST /complete.' });
  const { prompt } = await bodyOf(request);
  if (typeof prompt !== 'string') return answer(response, 400, { error: 'prompt is missing' });

  const hold = await fetch(`${QUOTIDIAN}/v1/authorize`, {
    method: 'POST',
    // Whose key it is, and whether that much is left, is for Quotidian to decide: in one statement, so that a hundred calls at once cannot overdraw.
    headers: { authorization: request.headers.authorization ?? '', 'x-quota-type': 'complete', 'x-quota-cost': `${MAX_TOKENS}`, 'x-quota-hold': '60' },
  });
  const fields = Object.fromEntries(FIELDS.flatMap((name) => (hold.headers.has(name) ? [[name, hold.headers.get(name)]] : [])));
  if (!hold.ok) return answer(response, hold.status, await hold.json(), fields);
  const charge = hold.headers.get('x-charge-id');

  try {
    const text = model(prompt);
    const tokens = prompt.split(/\s+/).length + text.split(/\s+/).length;
    await settle(charge, 'complete', { attempt: 1, units: tokens, result: { tokens } });
    answer(response, 200, { text, tokens }, fields);
  } catch (error) {
    // A failure gives back what was held, by the refund policy.
    await settle(charge, 'fail', { attempt: 1, error: { message: error.message }, retryable: false });
    answer(response, 502, { error: error.message }, fields);
  }
}

/** Should this process die before it, the lease runs out and the hold counts as spent: the customer never gets what nobody paid for. */
async function settle(charge, outcome, body) {
  const settled = await fetch(`${QUOTIDIAN}/v1/requests/${charge}/${outcome}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${WORKER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!settled.ok) console.error(`charge ${charge} was not settled: ${settled.status} ${await settled.text()}`);
}

/** Repeats what it was given, backwards. */
function model(prompt) {
  if (prompt.includes('fail')) throw new Error('the model fell over');
  return prompt.split(/\s+/).reverse().join(' ');
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function answer(response, status, body, fields = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...fields });
  response.end(`${JSON.stringify(body)}\n`);
}

const server = createServer((request, response) => {
  serve(request, response).catch((error) => answer(response, 503, { error: error.message }));
});
server.listen(PORT, '127.0.0.1', () => console.log(`POST http://127.0.0.1:${PORT}/complete`));
