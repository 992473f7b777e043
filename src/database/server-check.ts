import { StartupError } from '../config/startup-error';
import { type ConnectionUrl, type ServerAddress } from './connection-url';
import { nameOf, probe, refusalOf, type ObservedServer } from './server-probe';

const OLDEST_MAJOR = 15;

interface Refusal {
  server: string;
  /** Without names or what a server answered: readiness shows it to anybody. */
  reason: string;
  message?: string;
}

/** What a look at all servers of the URL found. */
export interface Survey {
  /** The one that serves: of those that take writes the one of the newest timeline, the first in the URL among equals. */
  primary: ObservedServer | null;
  /** Why each of the others does not: what the server answered stands in the log and in start-up errors, nowhere else. */
  refusals: Refusal[];
}

/**
 * Looks at all servers at once, and waits for all: whoever answers first need not be the one that was promoted last.
 *
 * @param known the system and timeline that served before: another system, or an older timeline, is never gone back to
 */
export async function survey(url: ConnectionUrl, timeoutMs: number, known?: Pick<ObservedServer, 'system' | 'timeline'>): Promise<Survey> {
  const refusals: Refusal[] = [];
  const look = async (address: ServerAddress): Promise<ObservedServer[]> => {
    try {
      const server = await probe(url, address, timeoutMs);
      const refusal = refusalOf(server) ?? (url.servers.length > 1 ? strangenessOf(server, known) : null);
      if (refusal === null) return [server];
      refusals.push({ server: nameOf(address), reason: refusal });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      refusals.push({ server: nameOf(address), reason: code ? `it cannot be used (${code})` : 'it does not answer', message });
    }
    return [];
  };
  const writable = (await Promise.all(url.servers.map(look))).flat();
  // The first one's system, should somebody have named servers that have nothing to do with each other.
  const [first] = writable;
  const same = writable.filter(({ system }) => system === first?.system);
  const primary = same.reduce<ObservedServer | null>((best, one) => (best === null || one.timeline > best.timeline ? one : best), null);
  return { primary, refusals };
}

function strangenessOf({ system, timeline }: ObservedServer, known?: Pick<ObservedServer, 'system' | 'timeline'>): string | null {
  if (known === undefined) return null;
  if (system !== known.system) return 'it is another system than the one that served before';
  return timeline < known.timeline ? `it takes writes on timeline ${timeline}, but ${known.timeline} has served: it was left behind by a promotion` : null;
}

/** The server to begin with. @throws StartupError when none can be reached, takes writes, or is new enough; never with the URL's password. */
export async function firstServer(url: ConnectionUrl, timeoutMs: number, variable = 'DATABASE_URL', schema?: string): Promise<ObservedServer> {
  const { primary, refusals } = await survey(url, timeoutMs);
  if (primary === null) {
    const [servers, details] = [refusals.map(({ server }) => server), refusals.map(({ reason, message }) => (message === undefined ? reason : message))];
    throw new StartupError(
      `PostgreSQL at ${servers.join(', ')} cannot be used (${details.join('; ')}). ` +
        `Check that it runs and that ${variable} is right${variable === 'DATABASE_URL' ? ', or unset DATABASE_URL to use the embedded one' : ''}.`,
    );
  }
  const major = Math.floor(primary.version / 10_000);
  if (major < OLDEST_MAJOR) throw new StartupError(`PostgreSQL ${major} is too old: ${OLDEST_MAJOR} or newer is needed.`);
  if (schema !== undefined && !primary.schemas.includes(schema)) {
    throw new StartupError(
      `DATABASE_SCHEMA names ${JSON.stringify(schema)}, which is no schema that this role may use. Make it: CREATE SCHEMA … AUTHORIZATION ….`,
    );
  }
  return primary;
}
