import { constants } from 'node:os';
import { StartupError } from '../config/startup-error';

export const FAILED = 1;
export const USAGE = 2;

/** A signal ended the command before its end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** As shells report a signal. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}.`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Ends the process: with one clear line for what was foreseen, with the stack for what nobody foresaw. */
export async function exitWith(error: unknown): Promise<never> {
  process.stderr.write(`${await explain(error)}\n`);
  process.exit(exitCodeOf(error));
}

/** The exit code of a command that ended by this. */
export function exitCodeOf(error: unknown): number {
  return error instanceof Interrupted ? error.exitCode : FAILED;
}

/** One clear line for what was foreseen, the stack for what nobody foresaw. */
export async function explain(error: unknown): Promise<string> {
  if (error instanceof StartupError || error instanceof Interrupted) return `quotidian: ${error.message}`;
  // What these bring is loaded already where they are thrown, and not needed by a command that was called wrongly.
  const [{ Problem }, { isTransient }] = await Promise.all([import('../http/problem.js'), import('../common/database-errors.js')]);
  if (error instanceof Problem) return `quotidian: ${error.message}`;
  // A file that is not there has the code of a socket that is not there.
  if (/^(open|read|write|stat|mkdir|scandir)/.test((error as NodeJS.ErrnoException).syscall ?? '')) return `quotidian: ${reasonOf(error)}`;
  if (isTransient(error)) return `quotidian: The database did not answer, or cannot take this now: ${reasonOf(error)}`;
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return `quotidian: ${reasonOf(error)}`;
  return (error as Error).stack ?? String(error);
}

/** In one line. Several addresses that were tried make an error without a message of its own. */
function reasonOf(error: unknown): string {
  const { message, errors } = error as Partial<AggregateError>;
  return (message || errors?.map(reasonOf).join('; ') || String(error)).replaceAll(/\s+/g, ' ');
}
