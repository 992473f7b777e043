import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Addresses, configurationOf, freePort, ownFolder, ProxyProcess } from './proxy-process';

/** Whether the program is here: tests that need it are left out, loudly, where it is not. */
export const HAS_NGINX = spawnSync('nginx', ['-v']).status === 0;

const TEMP_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** A real nginx with a configuration for its http block. */
export async function startNginx(file: string, addresses: Addresses): Promise<ProxyProcess> {
  const folder = ownFolder('nginx');
  const port = await freePort();
  mkdirSync(join(folder, 'temp'));
  const temps = TEMP_PATHS.map((name) => `${name}_temp_path ${folder}/temp/${name};`).join(' ');
  const text = configurationOf(file, { 'listen 80;': `listen 127.0.0.1:${port};`, ...addresses });
  return ProxyProcess.start({
    program: 'nginx',
    args: ['-p', folder, '-c', join(folder, 'conf'), '-e', 'stderr'],
    configuration: `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events {}\nhttp { access_log off; ${temps}\n${text}\n}\n`,
    folder,
    port,
  });
}
