import { type Command } from 'commander';
import { Progress } from './progress';

export function register(program: Command): void {
  program
    .command('backup:check')
    .description('After a restore: prove that schema, ids, secrets and all books are whole, and show what the age of it means for today. Changes nothing.')
    .option('--json', 'print everything as one line of JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const [{ readEnvironment }, { openConnections }, { report }, { presentServer }] = await Promise.all([
        import('../config/environment.module.js'),
        import('../database/open-connections.js'),
        import('./diagnosis.js'),
        import('./present-server.js'),
      ]);
      const { environment } = await readEnvironment();
      // What declares sealed columns is the whole application.
      await import('../app.module.js');
      const { checkRestored } = await import('../doctor/backup-check.js');
      const embedded = await presentServer(environment);
      const progress = new Progress('Comparing the books');
      try {
        const connections = await openConnections(environment, embedded?.url);
        const diagnosis = await checkRestored(environment, connections, progress.at).finally(() => connections.onApplicationShutdown());
        progress.stop();
        report(diagnosis, json);
      } finally {
        await embedded?.stop();
      }
    });
}
