import { execute, TEMPLATE } from './databases';
import { type TestServer } from './test-server';

export default async function globalTeardown(): Promise<void> {
  const { testServer } = globalThis as { testServer?: TestServer | null };
  if (testServer) await testServer.stop();
  else await execute(process.env.TEST_SERVER_URL as string, `DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
}
