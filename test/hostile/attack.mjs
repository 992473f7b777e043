import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../bench/support/built.mjs';

/** Behind everybody else who wants the processor. */
const LAST_PRIORITY = 19;
const PROGRAM = join(ROOT, 'test/hostile/attack-process.mjs');

/** Begins a hostile caller's calls. @returns {Promise<{ stop: () => Promise<{ story: string, broken: string[] }> }>} */
export async function attack(stage, { name, seed, priority = LAST_PRIORITY }) {
  const { port, url, hostile, exhausted, admin, serviceKey } = stage;
  const plan = { name, seed, priority, stage: { port, url, hostile, exhausted, admin, serviceKey } };
  const child = fork(PROGRAM, [JSON.stringify(plan)], { cwd: ROOT });
  const ended = once(child, 'exit').then(() => ({ story: '', broken: ['the attack ended without a result'] }));
  await once(child, 'message');
  const result = once(child, 'message').then(([message]) => message);
  return {
    stop: () => {
      if (child.connected) child.send('stop');
      return Promise.race([result, ended]);
    },
  };
}
