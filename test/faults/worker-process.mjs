// A worker as a process of its own, made with the worker kit. It writes down every call that it sends to the service and every
// answer that it learns, one line each, before it goes on: what was acknowledged is known whatever becomes of the process.
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
  // A call on one request, or on each of several that are delivered together; none when it is a claim.
  const calls = act === 'claim' ? [] : id === undefined ? asked.items : [{ id, attempt: asked.attempt }];
  for (const call of calls) note({ sent: act, id: call.id, attempt: call.attempt });
  const { method, headers, signal } = request;
  const answer = await fetch(urls[Math.floor(Math.random() * urls.length)] + pathname, { method, headers, signal, body: text });
  const answered = await answer.text();
  const body = answer.headers.get('content-type')?.includes('json') ? JSON.parse(answered) : {};
  if (act === 'claim') for (const item of body.items ?? []) note({ answered: 'claim', id: item.id, attempt: item.attempt, leaseEnd: item.leaseExpiresAt });
  for (const [i, call] of calls.entries()) {
    const { status, request: left } = (id === undefined && body.items?.[i]) || { status: answer.status, request: body };
    note({ answered: act, id: call.id, attempt: call.attempt, status, state: left?.status, leaseEnd: left?.leaseExpiresAt });
  }
  return new Response(answered, { status: answer.status, headers: answer.headers });
}

/**
 * The payload states how the work goes: for how long, how many attempts fail first, whether all do, and what it comes to. With
 * `freezes` the first attempt stops the process where it is done and has not reported it.
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
