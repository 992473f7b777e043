import { type Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type ServiceChange } from '../apply/change';
import { FAILED } from './exit';

interface Options {
  file: string;
  dryRun?: boolean;
  prune?: boolean;
  reason: string;
  json?: boolean;
  yes?: boolean;
}

/** With `--dry-run`, of a file that would change something. */
const WOULD_CHANGE = 2;

export function register(program: Command): void {
  program
    .command('apply')
    .description(
      'Make plans, settings and webhook endpoints what the file holds, all of it or nothing, after showing what changes. A second time changes nothing.',
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON as config:export --all prints it; - for standard input')
    .option('--dry-run', `show what would change, and change nothing; ends with ${WOULD_CHANGE} where something would`)
    .option('--prune', 'also remove plans, settings and endpoints that the sections of the file do not name')
    .option('--reason <text>', 'kept in the audit log and in the history', 'apply')
    .option('--json', 'print one line of JSON: { dryRun, changes }')
    .option('--yes', 'do it without asking')
    // 2 means something else here.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : FAILED))
    .action(async (options: Options) => {
      const { file } = options;
      const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
      const [{ readServiceDocument }, { ValidationProblem }, { refusalsIn }, { applyDocument }] = await Promise.all([
        import('../apply/service-document.js'),
        import('../http/problem.js'),
        import('./apply/refusals-in.js'),
        import('./apply/apply-document.js'),
      ]);
      try {
        const changes = await applyDocument(readServiceDocument(content), options);
        if (options.json) process.stdout.write(`${JSON.stringify({ dryRun: options.dryRun ?? false, changes })}\n`);
        if (options.dryRun && changes.length > 0) process.exitCode = WOULD_CHANGE;
        showSecrets(options, changes);
      } catch (error) {
        if (!(error instanceof ValidationProblem)) throw error;
        process.stderr.write(refusalsIn(file, content, error.errors));
        process.exitCode = FAILED;
      }
    });
}

/** Once: nobody can read them again. */
function showSecrets({ dryRun = false, json = false }: Options, changes: ServiceChange[]): void {
  if (dryRun || json) return;
  for (const { name, secret } of changes) if (secret !== undefined) process.stdout.write(`Secret of ${name}, shown once: ${secret}\n`);
}
