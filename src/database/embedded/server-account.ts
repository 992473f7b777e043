import { readFileSync } from 'node:fs';
import { StartupError } from '../../config/startup-error';

/** Whom to run PostgreSQL as: empty means as ourselves. */
export interface ServerAccount {
  uid?: number;
  gid?: number;
}

/** PostgreSQL refuses to run as root, so root drops to an account that exists in /etc/passwd (it looks its own name up there). */
export function serverAccount(): ServerAccount {
  if (process.getuid?.() !== 0) return {};
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new StartupError('PostgreSQL does not run as root and there is no "postgres" or "nobody" account to run it as. Set DATABASE_URL.');
}
