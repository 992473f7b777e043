import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../bench/support/built.mjs';

const run = promisify(execFile);
const PROGRAM = join(ROOT, 'test/hostile/neighbour-process.mjs');

/** @returns {Promise<{ calls: number, p50: number, p99: number, longest: number, refusals: Record<string, number> }>} milliseconds */
export async function neighbour(stage, seconds, rate = 100) {
  const plan = { port: stage.port, keys: stage.neighbours.map(({ key }) => key), seconds, rate };
  const { stdout } = await run(process.execPath, [PROGRAM, JSON.stringify(plan)], { cwd: ROOT });
  return JSON.parse(stdout);
}
