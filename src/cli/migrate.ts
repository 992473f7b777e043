import { type Command } from 'commander';
import { readEnvironment } from '../config/environment.module';
import { EmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { migrate } from '../database/migrate';

export function register(program: Command): void {
  program
    .command('migrate')
    .description('Bring the database schema up to date. Any number may run at once; one migrates.')
    .action(async () => {
      const { environment } = await readEnvironment();
      const embedded = environment.embedded ? await EmbeddedPostgres.start({ dataDir: environment.DATA_DIR, binDir: environment.EMBEDDED_PG_BIN_DIR }) : null;
      try {
        const url = embedded?.url ?? environment.DATABASE_URL ?? '';
        const done = await migrate(url);
        process.stdout.write(done.length === 0 ? 'Nothing to migrate.\n' : `Migrated:\n${done.map((name) => `  ${name}\n`).join('')}`);
      } finally {
        await embedded?.stop();
      }
    });
}
