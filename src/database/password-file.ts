import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Login {
  host: string;
  port: number;
  database: string;
  user: string;
}

/** The password that PostgreSQL's password file has for the login: `PGPASSFILE`, else `~/.pgpass`. Read each time, so that it may change. */
export function passwordFromFile(login: Login, path = process.env.PGPASSFILE ?? join(homedir(), '.pgpass')): string | undefined {
  if (!existsSync(path)) return undefined;
  const wanted = [login.host.startsWith('/') ? 'localhost' : login.host, String(login.port), login.database, login.user];
  for (const line of readFileSync(path, 'utf8').split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = '']) => field.replace(/\\(.)/g, '$1'));
    const password = fields[4];
    if (password !== undefined && wanted.every((value, i) => fields[i] === '*' || fields[i] === value)) return password;
  }
  return undefined;
}
