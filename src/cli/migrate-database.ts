import { AuditService } from '../audit/audit.service';
import { AuditLogRepository } from '../audit/audit-log.repository';
import { readEnvironment } from '../config/environment.module';
import { EmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { migrate } from '../database/migrate';
import { openConnections } from '../database/open-connections';
import { COMMAND } from './with-app';

/** Brings the schema of the environment's database up to date, and notes so in the audit log. Returns the names of the migrations that were missing. */
export async function migrateDatabase(): Promise<string[]> {
  const { environment } = await readEnvironment({}, false);
  const embedded = environment.embedded ? await EmbeddedPostgres.start({ dataDir: environment.DATA_DIR, binDir: environment.EMBEDDED_PG_BIN_DIR }) : null;
  try {
    return await migrate(await openConnections(environment, embedded?.url), (manager, migrations) =>
      new AuditService(new AuditLogRepository(manager.connection)).record(manager, COMMAND, {
        action: 'database.migrate',
        target: ['database', 'schema'],
        after: { migrations },
      }),
    );
  } finally {
    await embedded?.stop();
  }
}
