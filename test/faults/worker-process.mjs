// A worker as a process of its own, made with the worker kit. It writes down every word that it says to the service and every
// answer that it hears, one line each, before it goes on: what was acknowledged is known whatever becomes of the process.
// WORKER={ urls, key, types, concurrency, leaseSeconds, log }
import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, createWorker, PermanentError } from '@quotidian/client';

const { urls, key, types, concurrency, leaseSeconds, log } = JSON.parse(process.env.WORKER ?? '{}');
const file = openSync(log, 'a');
const note = (line) => writeSync(file, `${JSON.stringify({ at: Date.now(), by: process.pid, ...line })}\n`);

/** Each try goes to any of the replicas: one that was killed is not waited for. */
async function anywhere(request) {
  const { pathname } = new URL(request.url);
  const [, id, act] = /^\/v1\/requests\/(?:([^/]+)\/)?(\w+)$/.exec(pathname) ?? [];
  const text = await request.text();
  const asked = JSON.parse(text);
  // A word on one request, or on each of several that are delivered together; none when it is a claim.
  const words = act === 'claim' ? [] : id === undefined ? asked.items : [{ id, attempt: asked.attempt }];
  for (const word of words) note({ said: act, id: word.id, attempt: word.attempt });
  const { method, headers, signal } = request;
  const answer = await fetch(urls[Math.floor(Math.random() * urls.length)] + pathname, { method, headers, signal, body: text });
  const told = await answer.text();
  const body = answer.headers.get('content-type')?.includes('json') ? JSON.parse(told) : {};
  if (act === 'claim') for (const item of body.items ?? []) note({ heard: 'claim', id: item.id, attempt: item.attempt, leaseEnd: item.leaseExpiresAt });
  for (const [i, word] of words.entries()) {
    const { status, request: left } = (id === undefined && body.items?.[i]) || { status: answer.status, request: body };
    note({ heard: act, id: word.id, attempt: word.attempt, status, state: left?.status, leaseEnd: left?.leaseExpiresAt });
  }
  return new Response(told, { status: answer.status, headers: answer.headers });
}

/**
 * The payload says how the work goes: for how long, how many attempts fail first, whether all do, and what it comes to. With
 * `freezes` the first attempt stops the process where it is done and has not said so.
 * @type {(job: any, context: any) => Promise<object>}
 */
async function handler({ payload: { ms = 0, failures = 0, hopeless, units, freezes }, attempt }, { signal, settle }) {
  if (freezes && attempt === 1) process.kill(process.pid, 'SIGSTOP');
  else await delay(ms, undefined, { signal });
  if (hopeless) throw new PermanentError('hopeless');
  if (attempt <= failures) throw new Error('not yet');
  if (units !== undefined) settle(units);
  return { by: process.pid, attempt };
}

const client = createClient({ baseUrl: urls[0], apiKey: key, fetch: anywhere });
await createWorker({ client, types, concurrency, leaseSeconds, waitSeconds: 10, handler, onError: () => undefined }).finished;
