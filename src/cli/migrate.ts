import { type Command } from 'commander';
import { AuditService } from '../audit/audit.service';
import { AuditEvent } from '../audit/entities/audit-event.entity';
import { readEnvironment } from '../config/environment.module';
import { EmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { migrate } from '../database/migrate';
import { openConnections } from '../database/open-connections';
import { COMMAND } from './with-app';

export function register(program: Command): void {
  program
    .command('migrate')
    .description('Bring the database schema up to date. Any number may run at once; one migrates.')
    .action(async () => {
      const { environment } = await readEnvironment({}, false);
      const embedded = environment.embedded ? await EmbeddedPostgres.start({ dataDir: environment.DATA_DIR, binDir: environment.EMBEDDED_PG_BIN_DIR }) : null;
      try {
        const done = await migrate(await openConnections(environment, embedded?.url), (manager, migrations) =>
          new AuditService(manager.getRepository(AuditEvent)).record(manager, COMMAND, {
            action: 'database.migrate',
            target: ['database', 'schema'],
            after: { migrations },
          }),
        );
        process.stdout.write(done.length === 0 ? 'Nothing to migrate.\n' : `Migrated:\n${done.map((name) => `  ${name}\n`).join('')}`);
      } finally {
        await embedded?.stop();
      }
    });
}
