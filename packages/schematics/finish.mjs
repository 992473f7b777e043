// The process in which what was written is compiled, and what is generated of it is made. It is started while the plan is still made, and reads meanwhile
// what it will need of others: nothing of the tree itself, which is about to change.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { generate } from '../../scripts/generated.mjs';

const require = createRequire(import.meta.url);
const { emit } = require('./lib/emit.cjs');

/** @typedef {{ root: string, changes: [string, { before: string | null, after: string | null }][], wasBuilt: boolean }} Task */

process.once('message', (/** @type {Task} */ task) => {
  carryOut(task).then(
    (problems) => end(problems.join('\n')),
    (error) => end(error instanceof Error ? error.message : String(error)),
  );
});
process.once('disconnect', () => process.exit(1));
for (const name of ['reflect-metadata', '@nestjs/common', '@nestjs/core', 'typescript', '@nestjs/swagger/plugin', '@nestjs/typeorm', 'class-validator'])
  require(name);

/** @param {Task} task @returns {Promise<string[]>} what somebody has to mend */
async function carryOut({ root, changes, wasBuilt }) {
  if (wasBuilt) emit(root, new Map(changes));
  else {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build-if-stale.mjs'], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${stdout}${stderr}`);
  }
  process.send?.({ built: true });
  return generate();
}

/** @param {string} failure empty: there is none */
function end(failure) {
  process.send?.({ failure }, () => process.exit(0));
}
