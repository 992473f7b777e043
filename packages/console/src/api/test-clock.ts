let seen = false;
const watchers = new Set<() => void>();

export function watchClock(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Whether the service goes by a test clock, which each of its answers shows. */
export const goesByTestClock = (): boolean => seen;

export function noteClock(answer: Response): Response {
  const shown = answer.headers.has('x-test-clock');
  if (shown !== seen) {
    seen = shown;
    for (const watcher of watchers) watcher();
  }
  return answer;
}
