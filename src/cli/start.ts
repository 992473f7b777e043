import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../app';
import { AdminsService } from '../auth/admins.service';
import { SignInLinksService } from '../auth/sign-in-links.service';
import { showsBanner } from '../common/worker-process';
import { Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { spreadLastNet } from '../http/last-net';
import { servedDocument } from '../openapi/document';
import { banner, type ShownAdmin } from './banner';
import { holdMemoryDown, settleMemory } from './memory';

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
  if (showsBanner()) process.stdout.write(banner(app, environment.NODE_ENV === 'production' ? null : await firstAdmin(app)));
  settleMemory();
  return app;
}

async function firstAdmin(app: NestFastifyApplication): Promise<ShownAdmin | null> {
  const admin = await app.get(AdminsService).createFirst();
  if (admin === null) return null;
  const linkToken = app.get(Environment).CONSOLE_ENABLED ? await app.get(SignInLinksService).make(admin) : null;
  return { ...admin, linkToken };
}
