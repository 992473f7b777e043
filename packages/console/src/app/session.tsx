import { t } from './language';
import { type ReactNode, useEffect, useSyncExternalStore } from 'react';
import { BASE, refresh, sessionState, watchSession } from '../api/session';
import { FirstRunLink } from '../pages/first-run-link';
import { LogIn } from '../pages/log-in';
import { Dialog } from '../ui/dialog';

const isFirstRun = () => location.pathname === `${BASE}/console/first-run` && /^#token=/.test(location.hash);

/** Shows the pages to who has a session, and a login to everybody else. One that ends meanwhile is begun anew over the page: nothing typed is lost. */
export function Session({ children }: { children: ReactNode }) {
  const state = useSyncExternalStore(watchSession, sessionState);
  useEffect(() => {
    if (sessionState() === 'unknown' && !isFirstRun()) void refresh().catch(() => setTimeout(() => location.reload(), 3_000));
  }, []);
  if (state === 'unknown' && isFirstRun()) return <FirstRunLink />;
  if (state === 'unknown') return <p className="waiting">{t('Loading…')}</p>;
  if (state === 'closed') return <LogIn />;
  return (
    <>
      {children}
      <Dialog title="Your session has ended" isOpen={state === 'expired'}>
        <p>{t('Log in again to go on where you were. What you typed is still there.')}</p>
        <LogIn isInDialog />
      </Dialog>
    </>
  );
}
