import { type Command } from 'commander';
import { readSecret } from './read-secret';
import { COMMAND, withApp } from './with-app';

interface Options {
  email: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('admin:create')
    .description('Make an administrator with an API key that has every scope. The password comes from QUOTIDIAN_ADMIN_PASSWORD or standard input.')
    .requiredOption('--email <address>', 'e-mail address of the account')
    .option('--json', 'print one line of JSON: { id, email, apiKey }')
    .action(async ({ email, json }: Options) => {
      const password = process.env.QUOTIDIAN_ADMIN_PASSWORD ?? (await readSecret());
      const [{ AdminsService }, { checkBody }, { CredentialsDto }] = await Promise.all([
        import('../auth/admins.service.js'),
        import('../http/validation.pipe.js'),
        import('../users/dto/credentials.dto.js'),
      ]);
      const credentials = checkBody(CredentialsDto, { email, password });
      const admin = await withApp((app) => app.get(AdminsService).create(COMMAND, credentials));
      process.stdout.write(
        json ? `${JSON.stringify(admin)}\n` : `Administrator ${admin.email} (id ${admin.id}) was made. The key is shown once:\n  API key    ${admin.apiKey}\n`,
      );
    });
}
