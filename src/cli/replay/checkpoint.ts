import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { StartupError } from '../../config/startup-error';
import { type Hit } from './access-log';

const SAVED_EVERY_MS = 1_000;

interface Saved {
  /** The first hit of the log: another log has another one. */
  log: string;
  /** The last line up to which everything was answered. */
  line: number;
}

/**
 * Remembers in a file how far a replay came, so that the next one begins there. What is behind the first hit without an
 * answer is submitted again: it is charged once all the same.
 */
export class Checkpoint {
  private readonly answered: boolean[];
  private upTo = 0;
  private savedAt = 0;

  private constructor(
    private readonly file: string,
    private readonly log: string,
    private line: number,
    /** The hits that are left. */
    readonly hits: Hit[],
  ) {
    this.answered = new Array<boolean>(hits.length).fill(false);
  }

  /** @throws StartupError when the file is none, or of another log */
  static open(file: string, hits: Hit[]): Checkpoint {
    const log = hits[0]?.idempotencyKey ?? '';
    const saved = read(file);
    if (saved !== null && saved.log !== log) throw new StartupError(`--checkpoint ${file} is of another log. Remove it, or name another file.`);
    const line = saved?.line ?? 0;
    const opened = new Checkpoint(
      file,
      log,
      line,
      hits.filter((hit) => hit.line > line),
    );
    // Before there is anything to lose: whether it can be written at all.
    opened.save();
    return opened;
  }

  /** The hit at this index was answered for good. */
  done(index: number): void {
    this.answered[index] = true;
    for (let hit; this.answered[this.upTo] && (hit = this.hits[this.upTo]); this.upTo++) this.line = hit.line;
    if (performance.now() - this.savedAt > SAVED_EVERY_MS) this.save();
  }

  /** Whole or not at all. @throws StartupError */
  save(): void {
    this.savedAt = performance.now();
    try {
      writeFileSync(`${this.file}.new`, `${JSON.stringify({ log: this.log, line: this.line } satisfies Saved)}\n`);
      renameSync(`${this.file}.new`, this.file);
    } catch (error) {
      throw new StartupError(`--checkpoint ${this.file} cannot be written: ${(error as Error).message}.`);
    }
  }
}

function read(file: string): Saved | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new StartupError(`--checkpoint ${file} cannot be read: ${(error as Error).message}.`);
  }
  try {
    const { log, line } = JSON.parse(text) as Partial<Saved>;
    if (typeof log === 'string' && Number.isSafeInteger(line)) return { log, line: line as number };
  } catch {
    // As below.
  }
  throw new StartupError(`--checkpoint ${file} holds something else than a checkpoint. Remove it, or name another file.`);
}
