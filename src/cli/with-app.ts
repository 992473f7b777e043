import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Actor } from '../common/principal';
import { Interrupted } from './exit';

/** Who the audit log names for what a command did. */
export const COMMAND: Actor = { kind: 'command', id: null, requestId: null };

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Work<T> = (app: NestFastifyApplication, stop: AbortSignal) => Promise<T>;

/**
 * Lends the application to a command: the same that serves, with its database, but not listening and with no schedule.
 * Works beside a running service, whose embedded database it shares. A signal that ends the process leaves nothing behind:
 * the application is closed first. A second one ends it at once.
 *
 * @param drains the work has something to tidy up: it is stopped by its signal, and waited for. Other work is left where it
 *   is, with its transaction rolled back
 * @throws Interrupted unless the work drains
 */
export async function withApp<T>(work: Work<T>, { drains = false, logLevel = 'error' }: { drains?: boolean; logLevel?: 'error' | 'fatal' } = {}): Promise<T> {
  // A command that is called wrongly, or asked for its help, needs none of it.
  const [{ readEnvironment }, { assertDatabase }] = await Promise.all([import('../config/environment.module.js'), import('./present-server.js')]);
  const { environment } = await readEnvironment();
  await assertDatabase(environment);
  const { createApp } = await import('../app.js');
  const app = await createApp({ environment: { SCHEDULER_ENABLED: false, LOG_LEVEL: logLevel }, signals: false });
  const stop = new AbortController();
  const onSignal = (name: (typeof SIGNALS)[number]) => {
    const interrupted = new Interrupted(name);
    if (stop.signal.aborted) process.exit(interrupted.exitCode);
    process.exitCode = interrupted.exitCode;
    stop.abort(interrupted);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  try {
    await app.init();
    const working = work(app, stop.signal);
    return await (drains ? working : Promise.race([working, rejection(stop.signal)]));
  } finally {
    await app.close();
    for (const name of SIGNALS) process.off(name, onSignal);
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
