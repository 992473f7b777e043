import { type JobProgress } from './jobs.repository';

const EVERY_MS = 1_000;

/** What a run reports of its progress, written down once a second at most: the run never waits for it. */
export class RunProgress {
  private savedAt = -Infinity;
  private saving: Promise<void> | null = null;
  /** What was reported last; null: nothing was. */
  latest: JobProgress | null = null;

  constructor(private readonly save: (progress: JobProgress) => Promise<void>) {}

  readonly report = (progress: JobProgress): void => {
    this.latest = progress;
    if (this.saving === null && performance.now() - this.savedAt >= EVERY_MS) this.write(progress);
  };

  /** Writes down what was reported last. Nothing is written afterwards. */
  async flush(): Promise<void> {
    await this.saving;
    if (this.latest === null) return;
    this.write(this.latest);
    await this.saving;
  }

  private write(progress: JobProgress): void {
    this.savedAt = performance.now();
    // Shown, not relied on: a run does not fail because the line about it could not be written.
    this.saving = this.save(progress)
      .catch(() => undefined)
      .finally(() => (this.saving = null));
  }
}
