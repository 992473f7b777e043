import { type Command } from 'commander';
import { COMMAND, withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('totp:remove')
    .description('Remove the second factor of somebody who lost their device and their recovery codes. They are mailed, and it is in the audit log.')
    .requiredOption('--email <address>', 'e-mail address of the account')
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async ({ email, reason }: { email: string; reason?: string }) => {
      const { SecondFactorsService } = await import('../second-factors/second-factors.service.js');
      const removed = await withApp((app) => app.get(SecondFactorsService).removeByEmail({ ...COMMAND, reason }, email));
      process.stdout.write(removed ? `The second factor of ${email} was removed.\n` : `${email} has no second factor.\n`);
    });
}
