import { type Command } from 'commander';

export function register(program: Command): void {
  program
    .command('cluster:cells')
    .description(
      'Make, on the workers of a distributed database, the schemas in which statements run on the shards of some users. Again after shards were moved.',
    )
    .action(async () => {
      const [{ readEnvironment }, { openConnections }, { presentServer }, { makeCells }] = await Promise.all([
        import('../config/environment.module.js'),
        import('../database/open-connections.js'),
        import('./present-server.js'),
        import('../cluster/cells.js'),
      ]);
      const { environment } = await readEnvironment({}, false);
      const embedded = await presentServer(environment);
      try {
        const connections = await openConnections(environment, embedded?.url);
        const cells = await makeCells(connections).finally(() => connections.onApplicationShutdown());
        for (const { cell, group } of cells) process.stdout.write(`${cell} on ${group.host}:${group.port}\n`);
      } finally {
        await embedded?.stop();
      }
    });
}
