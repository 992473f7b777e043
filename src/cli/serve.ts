import { type Command } from 'commander';
import { serve } from '../serve';

export function register(program: Command): void {
  program
    .command('serve')
    .description('Start the service and listen on PORT (3000).')
    .action(async () => {
      await serve();
    });
}
