import { type Command } from 'commander';
import { COMMAND, withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('quota:reset')
    .description('Close out the quota days that are over, as the scheduled job does. For an external cron; quotas are right without it.')
    .option('--json', 'print { closedOut } for machines')
    .action(async ({ json }: { json?: boolean }) => {
      const [{ JobsService }, { QUOTA_RESET }] = await Promise.all([import('../jobs/jobs.service.js'), import('../quotas/quota-reset.job.js')]);
      const closedOut = await withApp((app) => app.get(JobsService).runNow(QUOTA_RESET, 'command', COMMAND));
      process.stdout.write(json ? `${JSON.stringify({ closedOut })}\n` : `Closed out the day of ${closedOut} users.\n`);
    });
}
