import { type Command, InvalidArgumentError } from 'commander';
import { type Environment } from '../config/environment';
import { readEnvironment } from '../config/environment.module';
import { StartupError } from '../config/startup-error';
import { type EmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { openConnections } from '../database/open-connections';
import { diagnosisOf, failure } from '../doctor/finding';
import { report } from './diagnosis';
import { presentServer } from './present-server';

interface Options {
  json?: boolean;
  timeout: number;
}

export function register(program: Command): void {
  program
    .command('doctor')
    .description(
      'Look at configuration, PostgreSQL, tables and work, and name what mends each finding. Changes nothing; ends with 0, 1 (warnings) or 2 (failures).',
    )
    .option('--json', 'print everything as one line of JSON')
    .option('--timeout <seconds>', 'how long one look may last; all go on at once', seconds, 3)
    .action(async ({ json, timeout }: Options) => {
      let environment: Environment;
      try {
        ({ environment } = await readEnvironment({}, false));
      } catch (error) {
        if (!(error instanceof StartupError)) throw error;
        return report(diagnosisOf([{ name: 'Configuration', findings: [failure('environment', error.message, 'see .env.example')] }]), json);
      }
      // What declares settings is the whole application.
      await import('../app.module.js');
      const { diagnose } = await import('../doctor/doctor.js');
      let embedded: EmbeddedPostgres | null = null;
      const open = async () => {
        embedded = await presentServer(environment);
        return openConnections(environment, embedded?.url);
      };
      report(await diagnose(environment, open, timeout * 1_000).finally(() => embedded?.stop()), json);
    });
}

function seconds(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be 1 to 999 seconds.');
}
