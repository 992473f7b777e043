// A load generator of our own, in a process of its own: keep-alive sockets, one request under way on each. Without `rate`
// every connection sends its next request when the last one is answered; with it, requests are due at fixed instants and
// latency counts from then, so a server that stalls is not spared.
import { connect } from 'node:net';

const { port, connections, seconds, warmup = 0, rate = null, method, path, body, keys, idempotency } = JSON.parse(process.argv[2]);
const keyList = (await import('node:fs')).readFileSync(keys, 'utf8').trim().split('\n');
const payload = body === null ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
const heads = keyList.map((key) => `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\n${payload}`);
const run = Math.random().toString(36).slice(2);
const statuses = {};
const latencies = [];
let sent = 0;
let measuring = false;
let stopped = false;
let lost = 0;
const idle = [];
const due = [];

const next = () => {
  const head = heads[Math.floor(Math.random() * heads.length)];
  return `${head}${idempotency ? `Idempotency-Key: ${run}-${++sent}\r\n` : ''}\r\n${body ?? ''}`;
};

function open() {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let startedAt = 0;
  let waiting = false;
  let text = '';
  const send = (from = performance.now()) => {
    startedAt = from;
    waiting = true;
    socket.write(next());
  };
  const free = () => {
    if (stopped) return;
    if (rate === null) send();
    else if (due.length > 0) send(due.shift());
    else idle.push(send);
  };
  socket.setEncoding('latin1');
  socket.on('connect', free);
  socket.on('data', (/** @type {string} */ chunk) => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
    if (text.length < end + 4 + length) return;
    if (measuring) {
      const status = text.slice(9, 12);
      statuses[status] = (statuses[status] ?? 0) + 1;
      latencies.push(performance.now() - startedAt);
    }
    text = '';
    waiting = false;
    free();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (stopped) return;
    // One that was never used is closed by the service after a while, as it should be: nothing was lost with it.
    if (waiting) lost++;
    else if (idle.includes(send)) idle.splice(idle.indexOf(send), 1);
    setTimeout(open, 20);
  });
}

for (let i = 0; i < connections; i++) open();
if (rate !== null) {
  const from = performance.now();
  let made = 0;
  setInterval(() => {
    for (const now = performance.now(); made < ((now - from) / 1_000) * rate; made++) {
      const at = from + (made * 1_000) / rate;
      const send = idle.shift();
      if (send) send(at);
      else due.push(at);
    }
  }, 2);
}
setTimeout(() => {
  measuring = true;
  const from = performance.now();
  setTimeout(() => {
    stopped = true;
    const elapsed = (performance.now() - from) / 1_000;
    const sorted = Float64Array.from(latencies).sort();
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const result = {
      requests: sorted.length,
      perSecond: sorted.length / elapsed,
      p50: at(0.5),
      p99: at(0.99),
      statuses,
      lost,
      late: due.length,
    };
    process.stdout.write(JSON.stringify(result), () => process.exit(0));
  }, seconds * 1_000);
}, warmup * 1_000);
