import { makeLogger } from '../../common/logger';
import { type Environment } from '../../config/environment';
import { readEnvironment } from '../../config/environment.module';
import { EmbeddedPostgres } from '../../database/embedded/embedded-postgres';
import { gatherFigures } from '../../metrics/figures-of-workers';
import { workerVariables } from './worker-variables';
import { WorkerFleet } from './worker-fleet';

/** What draining takes at most, beyond SHUTDOWN_DELAY_SECONDS, and as much again. */
const STOP_TIMEOUT_MS = 20_000;

/**
 * Serves on one port by several processes, as so many replicas would: they share nothing but the database, and what is exact
 * between replicas is exact between them. This process owns the embedded PostgreSQL, replaces a worker that dies, and hands
 * a signal on to all. It takes no calls itself.
 *
 * @throws StartupError
 */
export async function serveByWorkers(count: number): Promise<void> {
  const { environment } = await readEnvironment();
  const logger = makeLogger({ level: environment.LOG_LEVEL, pretty: environment.LOG_FORMAT === 'pretty', scope: () => undefined });
  const embedded = await startEmbedded(environment);
  const fleet = new WorkerFleet(count, (place) => workerVariables(environment, place), logger, environment.SHUTDOWN_DELAY_SECONDS * 1_000 + STOP_TIMEOUT_MS);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => fleet.stop(signal));
  gatherFigures();
  const code = await fleet.run();
  await embedded?.stop();
  process.exit(code);
}

async function startEmbedded({ embedded, DATA_DIR, EMBEDDED_PG_BIN_DIR }: Environment): Promise<EmbeddedPostgres | null> {
  return embedded ? EmbeddedPostgres.start({ dataDir: DATA_DIR, binDir: EMBEDDED_PG_BIN_DIR }) : null;
}
