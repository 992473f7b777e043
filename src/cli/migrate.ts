import { type Command } from 'commander';

export function register(program: Command): void {
  program
    .command('migrate')
    .description('Bring the database schema up to date. Any number may run at once; one migrates.')
    .action(async () => {
      const { migrateDatabase } = await import('./migrate-database.js');
      const done = await migrateDatabase();
      process.stdout.write(done.length === 0 ? 'Nothing to migrate.\n' : `Migrated:\n${done.map((name) => `  ${name}\n`).join('')}`);
    });
}
