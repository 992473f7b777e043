import { type Command } from 'commander';
import { writeDocument } from '../configurations/settings-document';
import { SettingsExportService } from '../configurations/settings-export.service';
import { withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('config:export')
    .description('Print every system setting that was written, as YAML that config:apply takes. Secrets are named without their values.')
    .action(async () => {
      process.stdout.write(writeDocument(await withApp((app) => app.get(SettingsExportService).export())));
    });
}
