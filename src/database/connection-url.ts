import { parse } from 'pg-connection-string';
import { userInfo } from 'node:os';
import { contentOf } from '../config/file-variables';
import { StartupError } from '../config/startup-error';
import { passwordFromFile } from './password-file';

/** Where a server may be: a host name, an address, or the folder of a unix socket; undefined is what pg takes by itself. */
export interface ServerAddress {
  host?: string;
  port?: number;
}

/** What a `DATABASE_URL` holds. Members that the session pins for itself (timeouts, encoding) are not taken from it. */
export interface ConnectionUrl {
  /** In the order of the URL, at least one. */
  servers: ServerAddress[];
  login: { user?: string; password?: string; database?: string; ssl?: boolean | object; sslnegotiation?: 'postgres' | 'direct' };
  /** Command-line options for the session, such as `-c search_path=app`. */
  options: string;
  /** The password as it is now, for a connection to be made. */
  password: (address: ServerAddress) => string | undefined;
}

const URL_SHAPE = /^(postgres(?:ql)?:\/\/)((?:[^/?#]*@)?)([^/?#@]*)(.*)$/s;

/**
 * Reads a connection URL as libpq does, with several hosts too (`postgres://u:p@a:5432,b:5433/db`, or `?host=a,b&port=1,2`),
 * which pg does not. Only a writable server serves, so `target_session_attrs` may ask for that and nothing else.
 *
 * @param file holds the URL: the password is read from there for each connection
 * @throws StartupError that names what is wrong and never the password
 */
export function parseConnectionUrl(url: string, variable = 'DATABASE_URL', file?: string): ConnectionUrl {
  const [, scheme, credentials, authority, rest] = URL_SHAPE.exec(url) ?? [];
  if (scheme === undefined || authority === undefined) throw new StartupError(`${variable} must start with postgres:// or postgresql://.`);
  if (/^[^?]*@/.test(rest ?? ''))
    throw new StartupError(`${variable} has @ behind a slash: in a password write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23 and % as %25.`);
  const places = authority.split(',').map(placeOf);
  const config = parsed(`${scheme}${credentials}${places.length > 1 ? 'several' : authority}${rest}`) as unknown as Record<string, unknown>;
  const text = (key: string) => (typeof config[key] === 'string' && config[key] !== '' ? config[key] : undefined);
  const attributes = text('target_session_attrs') ?? 'read-write';
  if (!['any', 'read-write', 'primary'].includes(attributes)) {
    throw new StartupError(`DATABASE_URL asks for target_session_attrs=${attributes}, but only a server that takes writes can serve: read-write.`);
  }
  return {
    servers: places.length > 1 && !/[?&]host=/.test(url) ? places : fromQuery(text('host'), text('port')),
    login: {
      user: text('user'),
      password: text('password'),
      database: text('database'),
      ssl: config.ssl as boolean | object | undefined,
      sslnegotiation: text('sslnegotiation') as 'direct' | undefined,
    },
    options: text('options') ?? '',
    password: (address) => {
      const given = file === undefined ? text('password') : parseConnectionUrl(contentOf(file), variable).login.password;
      return given ?? process.env.PGPASSWORD ?? passwordFromFile({ host: 'localhost', port: 5432, ...defined(address), ...loginNames(text) });
    },
  };
}

/** What PostgreSQL's programs go by where the URL leaves it out. */
function loginNames(text: (key: string) => string | undefined): { user: string; database: string } {
  const user = text('user') ?? process.env.PGUSER ?? userInfo().username;
  return { user, database: text('database') ?? process.env.PGDATABASE ?? user };
}

function defined({ host, port }: ServerAddress): ServerAddress {
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
}

function placeOf(place: string): ServerAddress {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(place) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new StartupError(`DATABASE_URL has a host that cannot be read: ${place}.`);
  return { host: decodeURIComponent(host) || undefined, port: port ? Number(port) : undefined };
}

function fromQuery(hosts = '', ports = ''): ServerAddress[] {
  const portList = ports.split(',');
  const hostList = hosts.split(',');
  if (portList.length > 1 && portList.length !== hostList.length) throw new StartupError('DATABASE_URL names another number of ports than of hosts.');
  return hostList.map((host, i) => ({ host: host || undefined, port: Number(portList[i] ?? portList[0]) || undefined }));
}

function parsed(url: string): ReturnType<typeof parse> {
  try {
    return parse(url);
  } catch (error) {
    throw new StartupError(`DATABASE_URL cannot be read: ${(error as Error).message}.`);
  }
}
