#!/usr/bin/env node
import 'reflect-metadata';
import { Command } from 'commander';
import { version } from '../package.json';
import { exitWith, FAILED, USAGE } from './cli/exit';

type CommandFile = Promise<{ register(program: Command): void }>;

/** Each is loaded when it is called or listed: most of them bring the whole application. */
const COMMANDS: Record<string, () => CommandFile> = {
  serve: () => import('./cli/serve.js'),
  migrate: () => import('./cli/migrate.js'),
  'quota:reset': () => import('./cli/quota-reset.js'),
  'admin:create': () => import('./cli/admin-create.js'),
  doctor: () => import('./cli/doctor.js'),
  'backup:check': () => import('./cli/backup-check.js'),
  audit: () => import('./cli/audit.js'),
  replay: () => import('./cli/replay.js'),
  'config:export': () => import('./cli/config-export.js'),
  'config:apply': () => import('./cli/config-apply.js'),
  'totp:remove': () => import('./cli/totp-remove.js'),
  'secrets:rotate': () => import('./cli/secrets-rotate.js'),
  openapi: () => import('./cli/openapi.js'),
};

async function main(): Promise<void> {
  const program = new Command('quotidian')
    .description('Accounts, plans, exact daily quotas, settings, and the requests that spend the quota, on nothing but PostgreSQL.')
    .version(version)
    .showHelpAfterError('Add --help for what it takes.')
    .addHelpText(
      'after',
      '\nThe environment names the database (DATABASE_URL, or the embedded one below DATA_DIR); .env.example lists every variable.' +
        '\nExit codes: 0 done, 1 it failed or the audit found a difference, 2 it was called wrongly.',
    );
  const called = COMMANDS[process.argv[2] ?? ''];
  for (const load of called ? [called] : Object.values(COMMANDS)) (await load()).register(program);
  // commander would end the process with 1 for a wrong call.
  for (const command of [program, ...program.commands]) command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE));
  await program.parseAsync();
}

// Whoever reads our output may have seen enough of it, as `head` does.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : FAILED));

main().catch(exitWith);
