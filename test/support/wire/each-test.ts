import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answersSeen, takeUntruths } from './hold';

/** Where test files say which answers they saw: `npm run wire:coverage` adds them up. */
const FOLDER = join(__dirname, '../../../coverage/wire');

/** A test fails when anything was answered in its course that `openapi.json` does not tell of. */
afterEach(() => {
  const untruths = takeUntruths();
  if (untruths.length > 0) throw new Error(`answered otherwise than openapi.json says:\n${untruths.slice(0, 20).join('\n')}`);
});

afterAll(() => {
  const seen = answersSeen();
  if (seen.length === 0) return;
  mkdirSync(FOLDER, { recursive: true });
  appendFileSync(join(FOLDER, `${process.pid}.txt`), `${seen.join('\n')}\n`);
});
