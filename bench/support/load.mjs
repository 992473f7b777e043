import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './built.mjs';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'quotidian-keys-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

export const hasWrk = process.env.BENCH_CLIENT !== 'node' && spawnSync('wrk', ['--version']).error === undefined;

/** What the figures were measured with. */
export const GENERATOR = hasWrk ? 'wrk, 2 threads (light load: 1)' : 'bench/support/client.mjs';

const SUBMIT = { method: 'POST', path: '/v1/requests', body: '{"type":"report","payload":{"size":3}}' };

/** A file of API keys, one to a line, for the generators. */
export function keyFile(accounts) {
  const path = join(folder, `keys-${++files}`);
  writeFileSync(path, accounts.map(({ key }) => key).join('\n') + '\n');
  return path;
}

/**
 * Sends requests for some seconds, each with a random one of the keys, and says what came of them (latencies in milliseconds).
 * An answer outside `expect` fails the bench: a fast refusal is no figure.
 * @param {{ port: number }} target
 * @param {{ keys: string, seconds: number, connections?: number, expect?: 'ok' | 'refused', idempotency?: boolean, rate?: number, own?: boolean, method?: string, path?: string, body?: string | null }} options
 * @returns {Promise<{ requests: number, perSecond: number, p50: number, p99: number }>}
 */
export async function load(target, options) {
  const plan = {
    ...SUBMIT,
    connections: 64,
    expect: 'ok',
    idempotency: false,
    rate: null,
    own: false,
    ...options,
    port: target.port,
  };
  const result = hasWrk && !plan.own && plan.rate === null ? await withWrk(plan) : await withOwn(plan);
  const { notOk, requests, lost } = result;
  const wrong = plan.expect === 'ok' ? notOk : requests - notOk;
  if (requests === 0 || wrong > 0 || lost > 0) throw new Error(`${requests} answers, ${wrong} not as expected (${plan.expect}), ${lost} connections lost.`);
  return result;
}

async function withWrk({ port, connections, seconds, keys, method, path, body, idempotency }) {
  const args = [
    `-t${Math.min(2, connections)}`,
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    join(ROOT, 'bench/support/wrk.lua'),
    `http://127.0.0.1:${port}`,
    '--',
  ];
  args.push(keys, method, path, body ?? '', idempotency ? 'key' : '', Math.random().toString(36).slice(2));
  const { stdout } = await run('wrk', args);
  const { requests, micros, p50, p99, notOk, lost } = JSON.parse(/RESULT (.*)/.exec(stdout)?.[1] ?? '{}');
  return { requests, perSecond: requests / (micros / 1e6), p50: p50 / 1e3, p99: p99 / 1e3, notOk, lost };
}

async function withOwn({ expect: _expect, ...plan }) {
  const { stdout } = await run(process.execPath, [join(ROOT, 'bench/support/client.mjs'), JSON.stringify({ warmup: 0.3, ...plan })]);
  const result = JSON.parse(stdout);
  const ok = Object.entries(result.statuses).reduce((sum, [status, count]) => sum + (Number(status) < 400 ? count : 0), 0);
  return { ...result, notOk: result.requests - ok };
}
