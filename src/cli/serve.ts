import { type Command } from 'commander';

export function register(program: Command): void {
  program
    .command('serve')
    .description('Start the service and listen on PORT (3000).')
    .action(async () => {
      const { serve } = await import('./start.js');
      await serve();
    });
}
