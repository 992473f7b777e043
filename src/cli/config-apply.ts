import { type Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type AppliedChange } from '../configurations/settings-apply.service';
import { FAILED } from './exit';
import { linesOf } from './shown-changes';
import { COMMAND, withApp } from './with-app';

interface Options {
  dryRun?: boolean;
  prune?: boolean;
  reason: string;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('config:apply')
    .description('Make the system settings what the file holds, all of it or nothing. A second time changes nothing.')
    .argument('<file>', 'YAML as config:export prints it; - for standard input')
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--prune', 'also take back every written setting that the file does not name')
    .option('--reason <text>', 'kept in the history', 'config:apply')
    .option('--json', 'print one line of JSON: { dryRun, changes }')
    .action(async (file: string, { dryRun = false, prune = false, reason, json }: Options) => {
      const [{ SettingsApplyService }, { readDocument }, { ValidationProblem }] = await Promise.all([
        import('../configurations/settings-apply.service.js'),
        import('../configurations/settings-document.js'),
        import('../http/problem.js'),
      ]);
      try {
        const document = readDocument(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'));
        const changes = await withApp((app) => app.get(SettingsApplyService).apply(COMMAND, document, { dryRun, prune, reason }));
        process.stdout.write(json ? `${JSON.stringify({ dryRun, changes })}\n` : describe(changes, dryRun));
      } catch (error) {
        if (!(error instanceof ValidationProblem)) throw error;
        process.stderr.write(error.errors.map(({ pointer, detail }) => `quotidian: ${pointer}: ${detail}\n`).join(''));
        process.exitCode = FAILED;
      }
    });
}

function describe(changes: AppliedChange[], dryRun: boolean): string {
  if (changes.length === 0) return 'Nothing to change.\n';
  const lines = changes.flatMap(({ key, ...change }) => linesOf({ title: key, ...change }));
  return `${lines.join('\n')}\n${changes.length} settings ${dryRun ? 'would change' : 'changed'}.\n`;
}
