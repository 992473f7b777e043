import { type DataSource } from 'typeorm';
import { type Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { parseConnectionUrl } from './connection-url';
import { ReadReplica } from './read-replica';

/** The replica that the environment names, not yet looked at; null: none. @throws StartupError when its URL cannot be read */
export function openReplica(environment: Environment, schema: string, primary: DataSource): ReadReplica | null {
  const { DATABASE_READ_URL: text, DATABASE_READ_URL_FILE: file, DATABASE_POOL_SIZE } = environment;
  if (text === undefined) return null;
  const url = parseConnectionUrl(text, 'DATABASE_READ_URL', file);
  if (url.servers.length !== 1) throw new StartupError('DATABASE_READ_URL names several servers: name one replica, or what stands before them.');
  return new ReadReplica(primary, { url, schema, poolSize: Math.ceil(DATABASE_POOL_SIZE / 2) });
}
