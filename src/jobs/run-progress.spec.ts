import { type JobProgress } from './jobs.repository';
import { RunProgress } from './run-progress';

describe('the progress of a run', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());
  const at = (done: number): JobProgress => ({ affected: done, done, total: 10 });

  it('is written down at once, then once a second, and as it was at the end', async () => {
    const saved: number[] = [];
    const progress = new RunProgress(({ done }) => {
      saved.push(done);
      return Promise.resolve();
    });
    for (let done = 1; done <= 4; done++) {
      progress.report(at(done));
      await jest.advanceTimersByTimeAsync(400);
    }
    expect(saved).toEqual([1, 4]);
    progress.report(at(5));
    await progress.flush();
    expect(saved).toEqual([1, 4, 5]);
  });

  it('fails no run when it cannot be written down', async () => {
    const progress = new RunProgress(() => Promise.reject(new Error('no')));
    progress.report(at(1));
    await progress.flush();
    expect(progress.latest).toEqual(at(1));
  });

  it('is nothing for a run that does not report', async () => {
    const save = jest.fn();
    await new RunProgress(save).flush();
    expect(save).not.toHaveBeenCalled();
  });
});
