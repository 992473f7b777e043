import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './built.mjs';

const FOLDER = join(ROOT, 'bench/peers/queues');

/** The job queues to measure beside. Their packages are no part of ours: they are installed here, as their own lock file says. */
export async function jobQueues() {
  if (!isInstalled()) install();
  const [{ PgBossQueue }, { GraphileWorkerQueue }] = await Promise.all([import('../peers/queues/pg-boss.mjs'), import('../peers/queues/graphile-worker.mjs')]);
  return { PgBossQueue, GraphileWorkerQueue };
}

function isInstalled() {
  const at = (path) => statSync(join(FOLDER, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return at('node_modules/.package-lock.json') >= at('package-lock.json');
}

function install() {
  const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER, encoding: 'utf8' });
  if (status !== 0) throw new Error(`pg-boss and graphile-worker could not be installed:\n${stderr}`);
}
