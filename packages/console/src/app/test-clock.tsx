import { useSyncExternalStore } from 'react';
import { goesByTestClock, watchClock } from '../api/test-clock';
import { t } from './language';

/** Stands over every page of a service that goes by a test clock: no time that is shown is the true one. */
export function TestClock() {
  if (!useSyncExternalStore(watchClock, goesByTestClock)) return null;
  return (
    <div role="note" className="away">
      {t('This service goes by a test clock.')}
    </div>
  );
}
