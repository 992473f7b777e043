/** The longest that a timer runs: it counts milliseconds in 31 bits, and one that is set for longer goes off at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Resolves after that time, however long it is. @throws the signal's reason, which distinguishes a timeout from a change of mind */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= MAX_TIMER_MS) await timer(Math.min(leftMs, MAX_TIMER_MS), signal);
  signal?.throwIfAborted();
}

/** Of every platform: no module of Node's is needed, which a bundle for browsers would stop at. Resolves early when aborted. */
function timer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(handle);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const handle = setTimeout(end, ms);
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}
