import { type Command } from 'commander';
import { FAILED } from './exit';
import { COMMAND, withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('secrets:rotate')
    .description('Seal every secret setting with SECRETS_KEY, from the SECRETS_KEY_PREVIOUS before it. Can be stopped and run again at any time.')
    .option('--json', 'print { resealed, unreadable } for machines')
    .action(async ({ json }: { json?: boolean }) => {
      const { SecretsRotationService } = await import('../configurations/secrets-rotation.service.js');
      const report = await withApp((app) => app.get(SecretsRotationService).rotate(COMMAND));
      const { resealed, unreadable } = report;
      const text = [`Sealed ${resealed} secrets and earlier versions anew.`, ...unreadable.map((name) => `No key that is given opens ${name}.`)];
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${text.join('\n')}\n`);
      if (unreadable.length > 0) process.exitCode = FAILED;
    });
}
