import { type Environment } from '../config/environment';
import { Connections } from './connections';

/** The database that the environment names, or the embedded one. @throws StartupError */
export function openConnections({ DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_SCHEMA }: Environment, embeddedUrl?: string): Promise<Connections> {
  if (embeddedUrl !== undefined) return Connections.open(embeddedUrl);
  return Connections.open(DATABASE_URL ?? '', { directUrl: DATABASE_DIRECT_URL, schema: DATABASE_SCHEMA });
}
