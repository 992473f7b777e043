import { createInterface } from 'node:readline/promises';
import { StartupError } from '../config/startup-error';

/**
 * Goes on where it is meant: `--yes`, or a yes on the terminal. Where nobody can be asked it is refused.
 * @param what it does, and where
 * @throws StartupError
 */
export async function confirm(what: string, isMeant = false): Promise<void> {
  if (isMeant) {
    process.stderr.write(`quotidian: ${what}\n`);
    return;
  }
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new StartupError(`${what} Add --yes if that is meant.`);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${what} Go on? [y/N] `).finally(() => lines.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new StartupError('nothing was changed.');
}
