import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Addresses, configurationOf, freePort, ownFolder, ProxyProcess } from './proxy-process';

/** Whether the program is here: tests that need it are left out, loudly, where it is not. */
export const HAS_CADDY = spawnSync('caddy', ['version']).status === 0;

/** A real Caddy with the sites of a Caddyfile. */
export async function startCaddy(file: string, addresses: Addresses): Promise<ProxyProcess> {
  const folder = ownFolder('caddy');
  const port = await freePort();
  const text = configurationOf(file, { ':80 {': `:${port} {`, ...addresses });
  return ProxyProcess.start({
    program: 'caddy',
    args: ['run', '--adapter', 'caddyfile', '--config', join(folder, 'conf')],
    environment: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    configuration: `{\n admin off\n auto_https off\n default_bind 127.0.0.1\n}\n${text}`,
    folder,
    port,
  });
}
