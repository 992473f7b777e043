import { type Command } from 'commander';
import { JobsService } from '../jobs/jobs.service';
import { QUOTA_RESET } from '../quotas/quota-reset.job';
import { COMMAND, withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('quota:reset')
    .description('Close out the quota days that are over, as the scheduled job does. For an external cron; quotas are right without it.')
    .option('--json', 'print { closedOut } for machines')
    .action(async ({ json }: { json?: boolean }) => {
      const closedOut = await withApp((app) => app.get(JobsService).runNow(QUOTA_RESET, 'command', COMMAND));
      process.stdout.write(json ? `${JSON.stringify({ closedOut })}\n` : `Closed out the day of ${closedOut} users.\n`);
    });
}
