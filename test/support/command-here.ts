import { programOf } from '../../src/cli/commands';
import { StartupError } from '../../src/config/startup-error';
import { type Finished } from './command';

class Exited extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** A `quotidian` command in this process: a tenth of what one of its own costs, for those that call a service over HTTP. */
export async function runHere(args: string[], environment: Record<string, string>): Promise<Finished> {
  const finished: Finished = { code: 0, stdout: '', stderr: '' };
  const before = { env: { ...process.env }, exitCode: process.exitCode, out: process.stdout.write, err: process.stderr.write };
  const into = (stream: 'stdout' | 'stderr') => (text: string | Uint8Array) => {
    finished[stream] += String(text);
    return true;
  };
  Object.assign(process.env, environment);
  Object.assign(process.stdout, { write: into('stdout') });
  Object.assign(process.stderr, { write: into('stderr') });
  try {
    const program = await programOf(args[0], (code) => {
      throw new Exited(code);
    });
    await program.parseAsync(args, { from: 'user' });
    finished.code = Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof StartupError) finished.stderr += `quotidian: ${error.message}\n`;
    else if (!(error instanceof Exited)) throw error;
    finished.code = error instanceof Exited ? error.code : 1;
  } finally {
    Object.assign(process.stdout, { write: before.out });
    Object.assign(process.stderr, { write: before.err });
    for (const name of Object.keys(environment)) {
      if (before.env[name] === undefined) delete process.env[name];
      else process.env[name] = before.env[name];
    }
    process.exitCode = before.exitCode;
  }
  return finished;
}
