import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { Client } from 'pg';
import { freePort, ownFolder, ProxyProcess } from './proxy-process';

/** Whether the program is here: tests that need it are left out, loudly, where it is not. */
export const HAS_PGBOUNCER = spawnSync('pgbouncer', ['--version']).status === 0;

export interface PgBouncer {
  /** The same database, through it. */
  through(url: string): string;
  stop(): Promise<void>;
}

/** A real PgBouncer in transaction mode before the server of the URL. Few sessions, so that transactions change them all the time. */
export async function startPgBouncer(url: string, { sessions = 4, settings = '' } = {}): Promise<PgBouncer> {
  const { host, port: serverPort, user, password } = new Client({ connectionString: url });
  const folder = ownFolder('pgbouncer');
  // It does not run as root, and the account it runs as must get through.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const bouncer = await ProxyProcess.start({
    program: 'pgbouncer',
    args: ['-q', ...(isRoot() ? ['-u', account()] : []), `${folder}/conf`],
    configuration: [
      '[databases]',
      `* = host=${host} port=${serverPort} user=${user}${password ? ` password=${password}` : ''}`,
      '[pgbouncer]',
      `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction`,
      `default_pool_size = ${sessions}\nmax_client_conn = 2000\nserver_idle_timeout = 5\nserver_login_retry = 1\nlogfile =`,
      settings,
    ].join('\n'),
    folder,
    port,
  });
  return {
    through: (direct) => `postgresql://${user}@127.0.0.1:${port}/${new Client({ connectionString: direct }).database}`,
    stop: () => bouncer.stop(),
  };
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** As embedded servers run: `serverAccount()`. */
function account(): string {
  return /^postgres:/m.test(readFileSync('/etc/passwd', 'utf8')) ? 'postgres' : 'nobody';
}
