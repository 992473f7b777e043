import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from './app';
import { StartupError } from './common/startup-error';
import { Environment } from './config/environment';

/** Starts the service and listens. @throws StartupError */
export async function serve(): Promise<NestFastifyApplication> {
  const app = await createApp();
  const { PORT: port, host } = app.get(Environment);
  try {
    await app.listen({ port, host });
  } catch (error) {
    await app.close();
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      ? new StartupError(`Port ${port} on ${host} is in use. Stop what listens there, or set PORT.`)
      : error;
  }
  return app;
}

/** Ends the process with one clear line, or with the stack of what nobody foresaw. */
export function exitWith(error: unknown): never {
  process.stderr.write(error instanceof StartupError ? `quotidian: ${error.message}\n` : `${(error as Error).stack ?? String(error)}\n`);
  process.exit(1);
}
