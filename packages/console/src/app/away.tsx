import { t } from './language';
import { notifyManager } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { ProblemError } from '../../../client/src/problem-error';
import { queries } from '../api/client';

const cache = queries.getQueryCache();

/** Whether something that the page shows is asked for again and again because nobody answers. A refusal is an answer. */
function isAway(): boolean {
  return cache.getAll().some(({ state }) => {
    const { fetchFailureReason: reason, fetchStatus } = state;
    return fetchStatus === 'paused' || (fetchStatus === 'fetching' && reason !== null && !(reason instanceof ProblemError));
  });
}

/** Stands over the page while the service is away; what was read before stays in sight. */
export function Away() {
  const shown = useSyncExternalStore((changed) => cache.subscribe(notifyManager.batchCalls(changed)), isAway);
  if (!shown) return null;
  return (
    <div role="alert" className="away">
      {t('The service does not answer. It is asked again until it does; nothing that you typed is lost.')}
    </div>
  );
}
