/**
 * For a file whose tests hold a promise that is given in seconds ("within a second", "at once"). A machine whose processors are taken may
 * break such a promise once, a service that polls where it should listen breaks it each time: so it fails when it fails three times.
 * Its tests must be able to run again: each makes what it needs.
 */
export function promisesByTheClock(): void {
  jest.retryTimes(2, { logErrorsBeforeRetry: true });
}
