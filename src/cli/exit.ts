import { Problem } from '../common/problem';
import { StartupError } from '../common/startup-error';

export const FAILED = 1;
export const USAGE = 2;

/** Ends the process: with one clear line for what was foreseen, with the stack for what nobody foresaw. */
export function exitWith(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(FAILED);
}

function explain(error: unknown): string {
  if (error instanceof StartupError) return `quotidian: ${error.message}`;
  if (error instanceof Problem) return `quotidian: ${(error.getResponse() as { detail: string }).detail}`;
  const { syscall, path, message } = error as NodeJS.ErrnoException;
  if (syscall !== undefined && path !== undefined) return `quotidian: ${message}`;
  return (error as Error).stack ?? String(error);
}
