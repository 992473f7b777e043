import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { examplesFound } from './examples';
import { answersSeen, drainUntruths } from './hold';

/** Where test files note which answers they saw: `npm run wire:coverage` adds them up, and `npm run openapi:examples` takes its examples from there. */
const FOLDER = join(__dirname, '../../../coverage/wire');

/** A test fails when anything was answered in its course that `openapi.json` does not describe. */
afterEach(() => {
  const untruths = drainUntruths();
  if (untruths.length > 0) throw new Error(`answered otherwise than openapi.json describes:\n${untruths.slice(0, 20).join('\n')}`);
});

afterAll(() => {
  const seen = answersSeen();
  if (seen.length === 0) return;
  mkdirSync(FOLDER, { recursive: true });
  appendFileSync(join(FOLDER, `${process.pid}.txt`), `${seen.join('\n')}\n`);
  appendFileSync(join(FOLDER, `${process.pid}.examples`), `${examplesFound().join('\n')}\n`);
});
