import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment } from '../config/environment';
import { failure, type Finding, ok, warning } from './finding';

const READABLE_BY_OTHERS = 0o044;
const LOCAL = /^(localhost|127\.|\[?::1|%2F|\/|$)/i;

/** What can be known of the process's own variables and files, without asking anybody. */
export function environmentFindings(environment: Environment, folder = process.cwd()): Finding[] {
  return [mode(environment), ...files(environment, folder), proxy(environment), transport(environment), mail(environment)];
}

function mode(environment: Environment): Finding {
  const { NODE_ENV, embedded, host } = environment;
  const missing = (['JWT_SECRET', 'SECRETS_KEY'] as const).filter((name) => environment[name] === undefined);
  if (NODE_ENV === 'production' && missing.length > 0)
    return failure('mode', `production, and ${missing.join(' and ')} are missing`, 'openssl rand -base64 32');
  if (NODE_ENV === 'production') return ok('mode', 'production, with secrets that were given');
  const exposed = !embedded || !LOCAL.test(host);
  return exposed
    ? warning('mode', `${NODE_ENV}: secrets are generated and kept in DATA_DIR, and the first administrator is printed`, 'NODE_ENV=production')
    : ok('mode', `${NODE_ENV}, on this machine alone`);
}

/** Files that hold secrets, and who else may read them. */
function files({ DATA_DIR }: Environment, folder: string): Finding[] {
  const candidates = [join(folder, '.env'), join(DATA_DIR, 'secrets', 'jwt'), join(DATA_DIR, 'secrets', 'settings'), ...fileVariables()];
  const open = candidates.filter((path) => existsSync(path) && (statSync(path).mode & READABLE_BY_OTHERS) !== 0);
  if (open.length === 0) return [ok('files with secrets', 'nobody else may read them')];
  return open.map((path) => failure('files with secrets', `${path} can be read by other accounts`, `chmod 600 ${path}`));
}

function fileVariables(): string[] {
  return Object.entries(process.env).flatMap(([name, path]) => (/^(DATABASE|JWT|SECRETS|SMTP)_\w*_FILE$|^PGPASSFILE$/.test(name) && path ? [path] : []));
}

function proxy({ TRUST_PROXY, NODE_ENV }: Environment): Finding {
  if (TRUST_PROXY !== undefined && /(^|,)\s*(\d+\.0\.0\.0|::)\/[1-7](,|$)/.test(TRUST_PROXY)) {
    return failure('proxy headers', `TRUST_PROXY=${TRUST_PROXY} believes X-Forwarded-For of nearly everybody`, 'TRUST_PROXY=<the network of your proxy>');
  }
  if (TRUST_PROXY !== undefined) return ok('proxy headers', `believed of ${TRUST_PROXY}`);
  return NODE_ENV === 'production'
    ? warning(
        'proxy headers',
        'TRUST_PROXY is not set: behind a proxy all callers have its address, and are throttled as one',
        'TRUST_PROXY=<the network of your proxy>',
      )
    : ok('proxy headers', 'believed of nobody');
}

function transport({ DATABASE_URL }: Environment): Finding {
  if (DATABASE_URL === undefined) return ok('TLS to the database', 'not needed: it is embedded');
  const host = /^\w+:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(DATABASE_URL)?.[1] ?? '';
  if (LOCAL.test(host) || /[?&]sslmode=(require|verify-ca|verify-full)/.test(DATABASE_URL)) return ok('TLS to the database', 'asked for, or not needed');
  return warning(
    'TLS to the database',
    `the password and all data go to ${host} in the clear unless something else encrypts them`,
    'DATABASE_URL=…?sslmode=verify-full',
  );
}

function mail({ SMTP_URL, NODE_ENV }: Environment): Finding {
  if (SMTP_URL !== undefined || NODE_ENV !== 'production') return ok('mail', SMTP_URL === undefined ? 'each mail is a file' : 'goes out by SMTP_URL');
  return warning('mail', 'SMTP_URL is not set: mails are files below DATA_DIR, and nobody gets them', 'SMTP_URL=smtp://user:password@host:587');
}
