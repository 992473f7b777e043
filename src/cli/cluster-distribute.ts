import { type Command, InvalidArgumentError } from 'commander';
import { type Step } from '../cluster/distribution.sql';

interface Options {
  dryRun?: boolean;
  trial?: boolean;
  shards: number;
}

export function register(program: Command): void {
  program
    .command('cluster:distribute')
    .description('Distribute the database over a Citus cluster, by user: as a whole or not at all. On a copy only: this release does not serve from a cluster.')
    .option('--dry-run', 'print the plan, SQL in order, and change nothing; needs no cluster')
    .option('--trial', 'do it, on a copy')
    .option('--shards <count>', 'over how many shards the users are spread', shardCount, 32)
    .action(async ({ dryRun = false, trial = false, shards }: Options) => {
      const [{ readEnvironment }, { StartupError }, { openConnections }, { presentServer }, { distribute }] = await Promise.all([
        import('../config/environment.module.js'),
        import('../config/startup-error.js'),
        import('../database/open-connections.js'),
        import('./present-server.js'),
        import('../cluster/distribute.js'),
      ]);
      if (!dryRun && !trial) {
        throw new StartupError(
          'This release does not serve from a distributed database (docs/scale.md has what is missing): --dry-run shows the plan, --trial does it on a copy.',
        );
      }
      const { environment } = await readEnvironment({}, false);
      const embedded = await presentServer(environment);
      try {
        const connections = await openConnections(environment, embedded?.url);
        const { steps, workers } = await distribute(connections, shards, dryRun).finally(() => connections.onApplicationShutdown());
        process.stdout.write(dryRun ? textOf(steps) : `Distributed over ${workers.join(', ')}: ${shards} shards.\n`);
      } finally {
        await embedded?.stop();
      }
    });
}

function textOf(steps: readonly Step[]): string {
  const parts = steps.map(({ title, statements }) => `-- ${title}\n${statements.map((statement) => `${statement};\n`).join('')}`);
  return `BEGIN;\n\n${parts.join('\n')}\nCOMMIT;\n`;
}

function shardCount(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0 && Number(text) <= 1_024) return Number(text);
  throw new InvalidArgumentError('It must be 1 to 1024.');
}
