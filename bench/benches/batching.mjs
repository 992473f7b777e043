import { readFileSync } from 'node:fs';
import { createClient } from '@quotidian/client';
import { row } from '../support/report.mjs';
import { byTurns, SECONDS } from '../support/rounds.mjs';
import { onDatabase } from '../support/stage.mjs';

/** Callers that submit one after the other, beside each other. */
const CALLERS = 200;

/** How many submits a core of the client's process can push: each by itself, and in batches that it makes by itself. */
export function clientBatching(stage) {
  return onDatabase(stage, [(db) => stage.service(db)], async (_, service) => {
    const keys = readFileSync(stage.keys.spread, 'utf8').trim().split('\n');
    const { alone, batched } = await byTurns({ alone: () => push(service, keys, false), batched: () => push(service, keys, true) });
    const told = ({ perCore }) => `${Math.round(perCore).toLocaleString('en-US')} submits a second of processor time`;
    return [
      row({ bench: 'client-batching', figure: told(batched), baseline: `each alone ${told(alone)}`, ratio: batched.perCore / alone.perCore, atLeast: 3 }),
    ];
  });
}

async function push(service, keys, batching) {
  const clients = keys.slice(0, 4).map((apiKey) => createClient({ baseUrl: service.url, apiKey, batching }));
  const body = { type: 'bench', payload: { size: 3 } };
  const before = process.cpuUsage();
  const until = performance.now() + SECONDS * 1_000;
  let submits = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, i) => {
      for (const client = clients[i % clients.length]; performance.now() < until; submits++) await client.POST('/v1/requests', { body });
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return { perCore: (submits * 1e6) / (user + system) };
}
