import { type Command } from 'commander';
import { readFileSync, writeFileSync } from 'node:fs';
import { FAILED } from './exit';

interface Options {
  out?: string;
  check?: string;
}

export function register(program: Command): void {
  program
    .command('openapi')
    .description('Print the OpenAPI 3.1 document. Needs no database.')
    .option('--out <file>', 'write it to a file instead')
    .option('--check <file>', 'exit with 1 unless the file holds exactly this document')
    .action(async ({ out, check }: Options) => {
      const { openApiText } = await import('./openapi-text.js');
      const text = await openApiText();
      if (check !== undefined) return compare(check, text);
      if (out === undefined) process.stdout.write(text);
      else writeFileSync(out, text);
    });
}

function compare(file: string, text: string): void {
  if (readFileSync(file, 'utf8') === text) return;
  process.stderr.write(`${file} is not what the code makes: run \`npm run openapi\` and commit it.\n`);
  process.exitCode = FAILED;
}
