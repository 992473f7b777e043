import { type Command, InvalidArgumentError } from 'commander';
import { type Environment } from '../config/environment';
import { type EmbeddedPostgres } from '../database/embedded/embedded-postgres';

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
      const [{ readEnvironment }, { StartupError }, { openConnections }, { diagnosisOf, failure }, { report }, { presentServer }] = await Promise.all([
        import('../config/environment.module.js'),
        import('../config/startup-error.js'),
        import('../database/open-connections.js'),
        import('../doctor/finding.js'),
        import('./diagnosis.js'),
        import('./present-server.js'),
      ]);
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
