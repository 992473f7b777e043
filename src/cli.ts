#!/usr/bin/env node
import 'reflect-metadata';
import { Command } from 'commander';
import { version } from '../package.json';
import * as adminCreate from './cli/admin-create';
import * as audit from './cli/audit';
import { exitWith, FAILED, USAGE } from './cli/exit';
import * as migrate from './cli/migrate';
import * as openapi from './cli/openapi';
import * as quotaReset from './cli/quota-reset';
import * as replay from './cli/replay';
import * as serve from './cli/serve';

const program = new Command('quotidian')
  .description('Accounts, plans, exact daily quotas, settings, and the requests that spend the quota, on nothing but PostgreSQL.')
  .version(version)
  .showHelpAfterError('Add --help for what it takes.')
  .addHelpText(
    'after',
    '\nThe environment says which database (DATABASE_URL, or the embedded one below DATA_DIR); .env.example lists every variable.' +
      '\nExit codes: 0 done, 1 it failed or the audit found a difference, 2 it was called wrongly.',
  );

for (const command of [serve, migrate, quotaReset, adminCreate, audit, replay, openapi]) command.register(program);
// Before any subcommand is parsed: commander would end the process with 1 for a wrong call.
for (const command of [program, ...program.commands]) {
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : USAGE));
}

// Whoever reads our output may have seen enough of it, as `head` does.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : FAILED));

program.parseAsync().catch(exitWith);
