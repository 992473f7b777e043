// A well-behaved neighbour in a process of its own: requests at fixed instants, whatever the service does meanwhile; latency counts from the
// instant that a request was due. Every twentieth goes by a connection of its own: one that cannot be opened counts as well.
import { Agent, request } from 'undici';

const { port, keys, seconds, rate } = JSON.parse(process.argv[2]);
const origin = `http://127.0.0.1:${port}`;
const kept = new Agent({ connections: 16, pipelining: 1, keepAliveTimeout: 60_000 });
const CALLS = [
  { method: 'POST', path: '/v1/requests', body: '{"type":"report","payload":{"size":3}}' },
  { method: 'GET', path: '/v1/users/me/quota' },
  { method: 'GET', path: '/v1/requests?limit=5' },
  { method: 'GET', path: '/v1/users/me/usage' },
];
const latencies = [];
const refusals = {};

async function call(n, due) {
  const { method, path, body } = CALLS[n % CALLS.length];
  const dispatcher = n % 20 === 0 ? new Agent({ connections: 1 }) : kept;
  const headers = { authorization: `Bearer ${keys[n % keys.length]}`, ...(body && { 'content-type': 'application/json' }) };
  try {
    const answer = await request(origin + path, { method, body, headers, dispatcher, headersTimeout: 30_000 });
    const text = await answer.body.text();
    if (answer.statusCode >= 400) count(`${method} ${path}: ${answer.statusCode} ${JSON.parse(text).code}`);
  } catch (error) {
    count(`${method} ${path}: ${error.code ?? error.message}`);
  } finally {
    latencies.push(performance.now() - due);
    if (dispatcher !== kept) void dispatcher.destroy();
  }
}

function count(refusal) {
  refusals[refusal] = (refusals[refusal] ?? 0) + 1;
}

const from = performance.now();
const under = [];
let made = 0;
const timer = setInterval(() => {
  for (const now = performance.now(); made < Math.min(((now - from) / 1_000) * rate, seconds * rate); made++) {
    under.push(call(made, from + (made * 1_000) / rate));
  }
  if (made < seconds * rate) return;
  clearInterval(timer);
  void Promise.all(under).then(() => {
    const sorted = Float64Array.from(latencies).sort();
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const result = { calls: sorted.length, p50: at(0.5), p99: at(0.99), longest: at(1), refusals };
    process.stdout.write(JSON.stringify(result), () => process.exit(0));
  });
}, 2);
