import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Command } from 'commander';
import { createApp } from '../app';
import { AdminsService } from '../auth/admins.service';
import { Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { spreadLastNet } from '../http/last-net';
import { servedDocument } from '../openapi/document';
import { banner } from './banner';
import { holdMemoryDown, settleMemory } from './memory';

export function register(program: Command): void {
  program
    .command('serve')
    .description('Start the service and listen on PORT (3000).')
    .action(async () => {
      await serve();
    });
}

/** Starts the service, listens, and prints where on standard output. @throws StartupError */
export async function serve(): Promise<NestFastifyApplication> {
  holdMemoryDown();
  const app = await createApp();
  spreadLastNet(app);
  const environment = app.get(Environment);
  const { PORT: port, host } = environment;
  try {
    await app.init();
    servedDocument(app);
    await app.listen({ port, host });
  } catch (error) {
    await app.close();
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      ? new StartupError(`Port ${port} on ${host} is in use. Stop what listens there, or set PORT.`)
      : error;
  }
  // In production standard output is kept, so nothing secret is shown there: `quotidian admin:create` makes the first one.
  const admin = environment.NODE_ENV === 'production' ? null : await app.get(AdminsService).createFirst();
  process.stdout.write(banner(app, admin));
  settleMemory();
  return app;
}
