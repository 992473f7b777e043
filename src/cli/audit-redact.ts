import { type Command, InvalidArgumentError } from 'commander';
import { confirm } from './confirm';
import { placeOfDatabase } from './place-of-database';
import { COMMAND, withApp } from './with-app';

interface Options {
  user?: number;
  reason?: string;
  yes?: boolean;
}

export function register(program: Command): void {
  program
    .command('audit:redact')
    .description(
      'Take personal data out of the audit log: addresses that are written out, of which digests stay, or with --user what events about one user show. Each is recorded, and the chain still proves the rest.',
    )
    .option('--user <id>', 'the values before and after of all events about this user, in place of addresses', parseUser)
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--yes', 'do it without asking')
    .action(async ({ user, reason, yes }: Options) => {
      const place = await placeOfDatabase();
      const what = user === undefined ? 'addresses in the audit log by their digests' : `what the audit log shows of changes to user ${user} by nothing`;
      await confirm(`audit:redact replaces ${what}, for good, in ${place}.`, yes);
      const { AuditRedactionService } = await import('../audit/audit-redaction.service.js');
      const redacted = user === undefined ? ({ addresses: true } as const) : { userId: user };
      const count = await withApp((app, stop) => app.get(AuditRedactionService, { strict: false }).redact({ ...COMMAND, reason }, redacted, stop), {
        drains: true,
      });
      process.stdout.write(`${count} events were redacted.\n`);
    });
}

function parseUser(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('Give the id of a user.');
  return Number(text);
}
