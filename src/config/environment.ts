import { plainToInstance } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, validateSync } from 'class-validator';
import { WholeNumber } from '../common/whole-number';
import { readFileVariables } from './file-variables';
import { Flag } from './flag';
import { decodeSecret, SECRET_BYTES } from './secrets';
import { type MailFrom, mailFromOf, type SmtpServer, smtpServerOf } from './smtp-server';
import { StartupError } from './startup-error';
import { TracingVariables } from './tracing-variables';
import { trustedProxies, type TrustProxy } from './trusted-proxies';

/**
 * The process's environment, read and checked once. Business settings that operators change at run time are not here:
 * those live in `configurations/`. `.env.example` documents each name; a test holds the two together.
 */
export class Environment extends TracingVariables {
  @IsIn(['development', 'production', 'test'])
  NODE_ENV: 'development' | 'production' | 'test' = 'development';

  /** TCP port of the HTTP server; 0 takes any free one. */
  @WholeNumber()
  @IsInt()
  @Min(0)
  @Max(65_535)
  PORT = 3000;

  /** Address to listen on. Default: 127.0.0.1 with the embedded database, else 0.0.0.0. */
  @IsOptional()
  @IsString()
  HOST?: string;

  /** PostgreSQL 15 or newer. Unset: an embedded PostgreSQL 18 under DATA_DIR. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_URL must start with postgres:// or postgresql://' })
  DATABASE_URL?: string;

  /** The same database without the pooler that DATABASE_URL leads to, for LISTEN and migrations. Unset: changes are polled for then. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_DIRECT_URL must start with postgres:// or postgresql://' })
  DATABASE_DIRECT_URL?: string;

  /** A replica of the same database, for lists, usage and exports. Unset: they are read from the primary. */
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\//, { message: 'DATABASE_READ_URL must start with postgres:// or postgresql://' })
  DATABASE_READ_URL?: string;

  /** Schema that holds the tables, whatever the role's search_path. Unset: the first on the path that has them. */
  @IsOptional()
  @Matches(/^[^\p{Cc}]{1,63}$/u, { message: 'DATABASE_SCHEMA must be the name of a schema' })
  DATABASE_SCHEMA?: string;

  /** File that holds DATABASE_URL. Its password is read anew for each connection. */
  @IsOptional()
  @IsString()
  DATABASE_URL_FILE?: string;

  /** File that holds DATABASE_DIRECT_URL. Its password is read anew for each connection. */
  @IsOptional()
  @IsString()
  DATABASE_DIRECT_URL_FILE?: string;

  /** File that holds DATABASE_READ_URL. Its password is read anew for each connection. */
  @IsOptional()
  @IsString()
  DATABASE_READ_URL_FILE?: string;

  /** Folder of the embedded database and of generated secrets. */
  @IsString()
  DATA_DIR = '.data';

  /** Folder of another PostgreSQL's `initdb` and `postgres` for the embedded server, such as /usr/lib/postgresql/15/bin. */
  @IsOptional()
  @IsString()
  EMBEDDED_PG_BIN_DIR?: string;

  /** Connections for everything but admission and notifications, which hold a few of their own. */
  @WholeNumber()
  @IsInt()
  @Min(2)
  @Max(200)
  DATABASE_POOL_SIZE = 10;

  /** Migrate before listening. Default: true when embedded, else false. */
  @IsOptional()
  @Flag()
  @IsBoolean()
  MIGRATE_ON_START?: boolean;

  /** Signs access tokens: at least 32 bytes as hex or base64. Generated outside production. */
  @IsOptional()
  @IsString()
  JWT_SECRET?: string;

  /** File that holds JWT_SECRET. */
  @IsOptional()
  @IsString()
  JWT_SECRET_FILE?: string;

  /** Encrypts secret settings: at least 32 bytes as hex or base64. Generated outside production. */
  @IsOptional()
  @IsString()
  SECRETS_KEY?: string;

  /** File that holds SECRETS_KEY. */
  @IsOptional()
  @IsString()
  SECRETS_KEY_FILE?: string;

  /** The key before SECRETS_KEY, while `quotidian secrets:rotate` has not run yet. */
  @IsOptional()
  @IsString()
  SECRETS_KEY_PREVIOUS?: string;

  /** File that holds SECRETS_KEY_PREVIOUS. */
  @IsOptional()
  @IsString()
  SECRETS_KEY_PREVIOUS_FILE?: string;

  /** Seconds for which a process that is asked to stop still takes calls, while readiness already answers 503: as long as proxies need to see that. */
  @WholeNumber()
  @IsInt()
  @Min(0)
  @Max(300)
  SHUTDOWN_DELAY_SECONDS = 0;

  /** Run the scheduled jobs in this process. Results never depend on it. */
  @Flag()
  @IsBoolean()
  SCHEDULER_ENABLED = true;

  /** Have a clock that POST /test/clock sets, on a database of its own. Never in production. Also `quotidian serve --test-clock`. */
  @Flag()
  @IsBoolean()
  TEST_CLOCK = false;

  /** Charges that may wait for admission in this process; one more is answered 503 at once. */
  @WholeNumber()
  @IsInt()
  @Min(64)
  @Max(65_536)
  ADMISSION_QUEUE_LIMIT = 4_096;

  @IsIn(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
  LOG_LEVEL = 'info';

  /** Default: pretty on a terminal, else json. */
  @IsOptional()
  @IsIn(['pretty', 'json'])
  LOG_FORMAT?: 'pretty' | 'json';

  /** One log line for each answer below 500 as well. */
  @Flag()
  @IsBoolean()
  LOG_REQUESTS = false;

  /** Whose X-Forwarded-For to believe: a hop count or a comma-separated list of CIDRs. Unset: nobody's. */
  @IsOptional()
  @Matches(/^(\d{1,2}|[0-9a-fA-F:.,/ ]+)$/, { message: 'TRUST_PROXY must be a hop count or a list of CIDRs' })
  TRUST_PROXY?: string;

  /** The path below which browsers see this service, such as /quotas. A trusted proxy's X-Forwarded-Prefix wins. */
  @Matches(/^(\/([A-Za-z0-9_~-][A-Za-z0-9._~-]*\/?)*)?$/, { message: 'BASE_PATH must be a path such as /quotas' })
  @MaxLength(200)
  BASE_PATH = '/';

  /** Serve the console below /console/, and lead browsers from / there. */
  @Flag()
  @IsBoolean()
  CONSOLE_ENABLED = true;

  /** Folder of a console built elsewhere. */
  @IsOptional()
  @IsString()
  CONSOLE_DIR?: string;

  /** Where the pages of problems stand: a problem's `type` is this and its code. An address or an absolute path; the service's own pages unless set. */
  @Matches(/^(https?:\/\/[^\s?#]+|\/[^\s?#]*)$/, { message: 'PROBLEM_TYPE_BASE must be an http(s) address or an absolute path' })
  PROBLEM_TYPE_BASE = '/errors/';

  /** The server that mails go out by. Unset: each mail is a file in `mail` below DATA_DIR. */
  @IsOptional()
  @IsString()
  SMTP_URL?: string;

  /** File that holds SMTP_URL. */
  @IsOptional()
  @IsString()
  SMTP_URL_FILE?: string;

  /** Who mails come from: an address, or a name and an address in angle brackets. Needed with SMTP_URL. */
  @IsOptional()
  @IsString()
  MAIL_FROM?: string;

  /** Folder of the operator's own texts of mails, in place of ours. */
  @IsOptional()
  @IsString()
  MAIL_TEMPLATES_DIR?: string;

  /** DNS servers that the hosts of webhook endpoints are asked of: addresses, each with a port or without. Default: the system's. */
  @IsOptional()
  @Matches(/^[0-9a-fA-F:.,[\] ]+$/, { message: 'WEBHOOK_DNS_SERVERS must be a list of addresses' })
  WEBHOOK_DNS_SERVERS?: string;

  /** Forward proxy through which webhooks are sent, by CONNECT. May bear a user and a password. */
  @IsOptional()
  @Matches(/^https?:\/\/[^\s/?#]+\/?$/, { message: 'WEBHOOK_PROXY_URL must be http(s)://host:port' })
  WEBHOOK_PROXY_URL?: string;

  get embedded(): boolean {
    return this.DATABASE_URL === undefined;
  }

  get host(): string {
    return this.HOST ?? (this.embedded ? '127.0.0.1' : '0.0.0.0');
  }

  get migrateOnStart(): boolean {
    return this.MIGRATE_ON_START ?? this.embedded;
  }

  /** Empty, or a path without the slash at its end. */
  get basePath(): string {
    return this.BASE_PATH.replace(/\/$/, '');
  }

  /** Null: mails are files. */
  get smtpServer(): SmtpServer | null {
    return this.SMTP_URL === undefined ? null : smtpServerOf(this.SMTP_URL);
  }

  get mailFrom(): MailFrom {
    return mailFromOf(this.MAIL_FROM ?? '') ?? NOBODY;
  }

  /** As Fastify takes it: a hop count becomes a question about each address and its distance. */
  get trustProxy(): TrustProxy | false {
    return this.TRUST_PROXY === undefined ? false : trustedProxies(this.TRUST_PROXY);
  }
}

/** Who the mails that are files come from, where nobody was named. */
const NOBODY: MailFrom = { name: 'Quotidian', address: 'quotidian@localhost' };

/**
 * @param needsSecrets false: for what neither signs nor opens anything, in production too
 * @throws StartupError naming every variable that is missing or wrong.
 */
export function parseEnvironment(raw: Record<string, unknown>, needsSecrets = true): Environment {
  // An empty variable is an unset one: compose files and CI systems pass them on like that.
  const known = Object.fromEntries(Object.keys(new Environment()).flatMap((key) => (raw[key] === undefined || raw[key] === '' ? [] : [[key, raw[key]]])));
  const { values, problems: unread } = readFileVariables(known);
  const environment = plainToInstance(Environment, { ...known, ...values }, { exposeDefaultValues: true });
  const problems = validateSync(environment).flatMap((e) => Object.values(e.constraints ?? {}));
  for (const name of ['JWT_SECRET', 'SECRETS_KEY', 'SECRETS_KEY_PREVIOUS'] as const) {
    const value = environment[name];
    const needed = needsSecrets && environment.NODE_ENV === 'production' && name !== 'SECRETS_KEY_PREVIOUS';
    if (value !== undefined && decodeSecret(value) === null) {
      problems.push(`${name} must be at least ${SECRET_BYTES} bytes as hex or base64`);
    } else if (value === undefined && needed) {
      problems.push(`${name} is missing: production needs at least ${SECRET_BYTES} bytes as hex or base64`);
    }
  }
  if (environment.TEST_CLOCK && environment.NODE_ENV === 'production') problems.push('TEST_CLOCK (--test-clock) is never for production');
  problems.push(...unread, ...mailProblems(environment), ...proxyProblems(environment));
  if (problems.length > 0) throw new StartupError(`The environment is not usable: ${problems.join('; ')}.`);
  return environment;
}

function proxyProblems({ TRUST_PROXY }: Environment): string[] {
  try {
    if (TRUST_PROXY !== undefined) trustedProxies(TRUST_PROXY);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Never shows the URL, which may hold a password. */
function mailProblems({ SMTP_URL, MAIL_FROM }: Environment): string[] {
  const problems: string[] = [];
  if (SMTP_URL !== undefined && smtpServerOf(SMTP_URL) === null)
    problems.push('SMTP_URL must be smtp://user:password@host:port or smtps://, with at most ?tls=required, never or unverified');
  if (MAIL_FROM !== undefined && mailFromOf(MAIL_FROM) === null) problems.push('MAIL_FROM must be an address, or a name and <an address>');
  if (SMTP_URL !== undefined && MAIL_FROM === undefined) problems.push('MAIL_FROM is missing: mail that goes out by SMTP_URL comes from somebody');
  return problems;
}
