import { Argument, type Command } from 'commander';
import { completionScript, type Shell, SHELLS } from './completion-scripts';

export function register(program: Command): void {
  program
    .command('completion')
    .description('Print what completes commands and flags in a shell: source <(quotidian completion bash)')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action(async (shell: Shell) => {
      const { programOf } = await import('./commands.js');
      process.stdout.write(completionScript(shell, await programOf()));
    });
}
