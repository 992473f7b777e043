import { Presets, SingleBar } from 'cli-progress';

/** A bar on standard error while it is a terminal; elsewhere nothing. */
export class Progress {
  private readonly bar: SingleBar | null;

  constructor(what: string) {
    const format = `${what} {bar} {value}/{total} {eta_formatted}`;
    this.bar = process.stderr.isTTY ? new SingleBar({ format, stream: process.stderr, clearOnComplete: true }, Presets.shades_classic) : null;
  }

  readonly at = (done: number, of: number): void => {
    if (this.bar === null) return;
    if (!this.bar.isActive) this.bar.start(of, done);
    else this.bar.update(done);
    if (done >= of) this.bar.stop();
  };

  stop(): void {
    this.bar?.stop();
  }
}
