import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../app';
import { type Actor } from '../common/principal';
import { type Environment } from '../config/environment';

/** Who the audit log names for what a command did. */
export const COMMAND: Actor = { kind: 'command', id: null, requestId: null };

/**
 * Lends the application to a command: the same that serves, with its database, but not listening and with no schedule.
 * Works beside a running service, whose embedded database it shares.
 */
export async function withApp<T>(work: (app: NestFastifyApplication) => Promise<T>, environment: Partial<Environment> = {}): Promise<T> {
  const app = await createApp({ environment: { SCHEDULER_ENABLED: false, LOG_LEVEL: 'error', ...environment } });
  try {
    await app.init();
    return await work(app);
  } finally {
    await app.close();
  }
}
