import { type Command } from 'commander';
import { withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('config:export')
    .description('Print every system setting that was written, as YAML that config:apply takes. Secrets are named without their values.')
    .option('--all', 'plans and webhook endpoints too, as apply takes them')
    .action(async ({ all = false }: { all?: boolean }) => {
      if (all) {
        const { exportService } = await import('./apply/export-service.js');
        return void process.stdout.write(await exportService());
      }
      const [{ writeDocument }, { SettingsExportService }] = await Promise.all([
        import('../configurations/settings-document.js'),
        import('../configurations/settings-export.service.js'),
      ]);
      process.stdout.write(writeDocument(await withApp((app) => app.get(SettingsExportService).export())));
    });
}
