import { Readable } from 'node:stream';
import { programOf } from '../../src/cli/commands';
import { exitCodeOf, explain } from '../../src/cli/exit';
import { type Finished } from './command';

class Exited extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** A process has one environment and one standard output, so one command is run after the other. */
let last: Promise<unknown> = Promise.resolve();

/**
 * A `quotidian` command in this process, with nothing of its environment but what is given: a tenth of what a process of its own costs. Each command
 * is run as one somewhere, too (`command.ts`): what is only true of a process, such as a signal or the files that are shipped, is tested there.
 */
export function runHere(args: string[], environment: Record<string, string>, input = ''): Promise<Finished> {
  const running = last.then(() => runAlone(args, environment, input));
  last = running.catch(() => undefined);
  return running;
}

async function runAlone(args: string[], environment: Record<string, string>, input: string): Promise<Finished> {
  const finished: Finished = { code: 0, stdout: '', stderr: '' };
  const { PATH, HOME, TMPDIR, ...rest } = process.env;
  const before = { env: { PATH, HOME, TMPDIR, ...rest }, exitCode: process.exitCode };
  const restore = [
    replaced(process, 'stdin', Readable.from(input === '' ? [] : [Buffer.from(input)])),
    ...(['stdout', 'stderr'] as const).flatMap((stream) => [
      replaced(process[stream], 'isTTY', undefined),
      replaced(process[stream], 'write', (text: string | Uint8Array) => {
        finished[stream] += String(text);
        return true;
      }),
    ]),
  ];
  become({ PATH, HOME, TMPDIR, ...environment });
  process.exitCode = undefined;
  try {
    const program = await programOf(args[0], (code) => {
      throw new Exited(code);
    });
    await program.parseAsync(args, { from: 'user' });
    finished.code = Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof Exited)) finished.stderr += `${await explain(error)}\n`;
    finished.code = error instanceof Exited ? error.code : exitCodeOf(error);
  } finally {
    for (const undo of restore) undo();
    become(before.env);
    process.exitCode = before.exitCode;
  }
  return finished;
}

/** Gives the process these variables, and no others. */
function become(variables: Record<string, string | undefined>): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) process.env[name] = value;
}

/** Puts a value in the place of a member, and returns what puts the member back. */
function replaced(object: object, member: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(object, member);
  Object.defineProperty(object, member, { value, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(object, member, own);
    else Reflect.deleteProperty(object, member);
  };
}
