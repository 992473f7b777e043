import { useSyncExternalStore } from 'react';
import { t } from './language';

let isOld = false;
const watchers = new Set<() => void>();

// A file that this page wants is gone: another release serves by now. Nothing is loaded anew by itself, because somebody may be in the middle of a form;
// who goes on to a page whose file is gone is shown that page of the present release.
addEventListener('vite:preloadError', () => {
  isOld = true;
  for (const watcher of watchers) watcher();
});

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

const reload = () => location.reload();

/** Stands over the page once another release serves than the one that the page is of. */
export function Release() {
  if (!useSyncExternalStore(watch, () => isOld)) return null;
  return (
    <div role="status" className="away row between">
      <span>{t('Another release serves by now. What you typed is still here: send it first, then load the page anew.')}</span>
      <button type="button" onClick={reload}>
        {t('Load anew')}
      </button>
    </div>
  );
}

/** In place of a page that could not be shown. */
export function Failed() {
  return (
    <>
      <h1>{t('This page could not be shown')}</h1>
      <p>{t('Another release may serve by now, or the service is away.')}</p>
      <button type="button" className="primary" onClick={reload}>
        {t('Load anew')}
      </button>
    </>
  );
}
