import { type Command, InvalidArgumentError } from 'commander';
import { availableParallelism } from 'node:os';

const MAX_WORKERS = 64;

export function register(program: Command): void {
  program
    .command('serve')
    .description('Start the service and listen on PORT (3000).')
    .option('--workers <count>', 'how many processes share the port and DATABASE_POOL_SIZE: a number, or auto for one a core', workers, 1)
    .option('--test-clock', 'go by a clock that POST /test/clock sets, on a database of its own; never in production')
    .action(async ({ workers: count, testClock }: { workers: number; testClock?: true }) => {
      // As the variable, which workers have too.
      if (testClock) process.env.TEST_CLOCK = 'true';
      const { isWorker } = await import('node:cluster').then((cluster) => cluster.default);
      if (count > 1 && !isWorker) {
        const { serveByWorkers } = await import('./workers/serve-by-workers.js');
        return serveByWorkers(count);
      }
      const { serve } = await import('./start.js');
      await serve();
    });
}

function workers(text: string): number {
  const count = text === 'auto' ? Math.min(MAX_WORKERS, availableParallelism()) : /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > MAX_WORKERS) throw new InvalidArgumentError(`Not auto, nor a number from 1 to ${MAX_WORKERS}.`);
  return count;
}
