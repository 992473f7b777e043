import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export const TEMPLATE = 'quotidian_test_template';

/** Runs one statement on the server that the URL names. */
export async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  return url.replace(/^(\w+:\/\/[^/]*)\/[^?]*/, `$1/${name}`);
}

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** A database of a test file's own, migrated already. `template` null: an empty one. */
export async function createDatabase(template: string | null = TEMPLATE): Promise<TestDatabase> {
  const server = process.env.TEST_SERVER_URL;
  if (server === undefined) throw new Error('test/support/global-setup.ts did not run');
  const name = `quotidian_test_${randomBytes(6).toString('hex')}`;
  await execute(server, `CREATE DATABASE ${name}${template === null ? '' : ` TEMPLATE ${template}`}`);
  return { url: withDatabase(server, name), drop: () => execute(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
