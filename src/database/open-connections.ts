import { type Environment } from '../config/environment';
import { Connections } from './connections';

/** The database that the environment names, or the embedded one. @throws StartupError */
export function openConnections(environment: Environment, embeddedUrl?: string): Promise<Connections> {
  if (embeddedUrl !== undefined) return Connections.open(embeddedUrl, { testClock: environment.TEST_CLOCK });
  return Connections.open(environment.DATABASE_URL ?? '', {
    directUrl: environment.DATABASE_DIRECT_URL,
    schema: environment.DATABASE_SCHEMA,
    file: environment.DATABASE_URL_FILE,
    directFile: environment.DATABASE_DIRECT_URL_FILE,
    testClock: environment.TEST_CLOCK,
  });
}
