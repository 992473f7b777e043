import { Command } from 'commander';
import { version } from '../../package.json';
import { USAGE } from './exit';

type CommandFile = Promise<{ register(program: Command): void }>;

/** Each is loaded when it is called or listed: most of them bring the whole application. */
const COMMANDS: Record<string, () => CommandFile> = {
  serve: () => import('./serve.js'),
  migrate: () => import('./migrate.js'),
  'quota:reset': () => import('./quota-reset.js'),
  'admin:create': () => import('./admin-create.js'),
  doctor: () => import('./doctor.js'),
  'backup:check': () => import('./backup-check.js'),
  'cluster:distribute': () => import('./cluster-distribute.js'),
  'cluster:cells': () => import('./cluster-cells.js'),
  audit: () => import('./audit.js'),
  'audit:redact': () => import('./audit-redact.js'),
  replay: () => import('./replay.js'),
  'config:export': () => import('./config-export.js'),
  'config:apply': () => import('./config-apply.js'),
  apply: () => import('./apply.js'),
  'totp:remove': () => import('./totp-remove.js'),
  'secrets:rotate': () => import('./secrets-rotate.js'),
  openapi: () => import('./openapi.js'),
  completion: () => import('./completion.js'),
};

const GROUPS = ['users', 'tiers', 'keys', 'quotas', 'overrides', 'requests', 'jobs', 'settings', 'user-settings', 'webhooks', 'events', 'audit-log'];

/**
 * The command line, with one command or with all of them.
 * @param exit for calls that are help, or wrong
 */
export async function programOf(called?: string, exit: (code: number) => never = (code) => process.exit(code)): Promise<Command> {
  const program = new Command('quotidian')
    .description('Accounts, plans, exact daily quotas, settings, and the requests that spend the quota, on nothing but PostgreSQL.')
    .version(version)
    .showHelpAfterError('Add --help for what it takes.')
    // commander would end the process with 1 for a wrong call. Commands inherit it.
    .exitOverride(({ exitCode }) => exit(exitCode === 0 ? 0 : USAGE))
    .addHelpText(
      'after',
      '\nThe environment names the database (DATABASE_URL, or the embedded one below DATA_DIR); .env.example lists every variable.' +
        '\nCommands of users, plans, keys and the like work over HTTP where QUOTIDIAN_URL is set, by the key in QUOTIDIAN_API_KEY.' +
        '\nExit codes: 0 done, 1 it failed or the audit found a difference, 2 it was called wrongly.',
    );
  const operate = () => import('./operate.js');
  const load = GROUPS.includes(called ?? '') ? operate : COMMANDS[called ?? ''];
  for (const file of load ? [load] : [...Object.values(COMMANDS), operate]) (await file()).register(program);
  return program;
}
