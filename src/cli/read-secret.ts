import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** One line of standard input, without the mark that some programs begin a text with; typed on a terminal, it is not shown. */
export function readSecret(prompt = 'Password: '): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = process.stdin.isTTY;
  if (terminal) process.stderr.write(prompt);
  const lines = createInterface({ input: process.stdin, output: silent, terminal });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line.replace(/^\ufeff/, ''));
      lines.close();
      if (terminal) process.stderr.write('\n');
    });
    lines.once('close', () => resolve(''));
  });
}
