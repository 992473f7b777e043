import { type Command, InvalidArgumentError } from 'commander';
import { FAILED } from './exit';
import { readAccessLog } from './replay/access-log';
import { type ReplayOptions } from './replay/replay-log';
import { serviceUrl } from './service-url';
import { withApp } from './with-app';

export function register(program: Command): void {
  program
    .command('replay')
    .description('Replay an access log: a user per client address, a request per hit, over HTTP. A second replay of a file charges nothing.')
    .argument(
      '<access log>',
      'file in the combined or common format of Apache and nginx, with virtual hosts before it or not, or JSON by line; packed by gzip or not; - for standard input',
    )
    .option('--quota <units>', 'daily quota of each user', wholeNumber(0, 1_000_000_000), 5)
    .option('--concurrency <number>', 'requests under way at once', wholeNumber(1, 1_000), 32)
    .option('--url <url>', 'the service to submit to; default: the one that runs here on PORT, or else one of the command itself', serviceUrl)
    .option('--checkpoint <file>', 'remember there how far it came, and begin there the next time')
    .option('--json', 'print the report as one line of JSON')
    .option('--yes', 'do it in production: an account is made for each client of the log')
    .action(async (file: string, { json, yes, ...options }: ReplayOptions & { json?: boolean; yes?: boolean }) => {
      const log = await readAccessLog(file);
      const [{ assertMeant }, { replay }, { describe }] = await Promise.all([
        import('./replay/assert-meant.js'),
        import('./replay/replay-log.js'),
        import('./replay/report.js'),
      ]);
      await assertMeant(new Set(log.hits.map(({ client }) => client)).size, yes);
      const report = await withApp((app, stop) => replay(app, log, options, stop), { drains: true });
      process.stdout.write(json ? `${JSON.stringify(report)}\n` : describe(report));
      // What a signal has set counts.
      if (report.failed > 0) process.exitCode ??= FAILED;
    });
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
    if (!(number >= min && number <= max)) throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}
