import { execute, TEMPLATE } from './databases';
import { type PgBouncer } from './pgbouncer';
import { type TestServer } from './test-server';

export default async function globalTeardown(): Promise<void> {
  const { testServer, testBouncer } = globalThis as { testServer?: TestServer | null; testBouncer?: PgBouncer };
  await testBouncer?.stop();
  if (testServer) await testServer.stop();
  else await execute(process.env.TEST_SERVER_URL as string, `DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
}
