import { t } from './language';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { asCurl, lastCalls, watchCalls } from '../api/calls';
import { BASE, logOut } from '../api/session';
import { Act } from '../ui/act';
import { Appearance } from './appearance';
import { Away } from './away';
import { Jump } from './jump';
import { useMe } from './me';
import { placesOf } from './places';
import { Release } from './release';
import { Icon } from '../ui/icon';
import { problemOf, Refusal } from '../ui/refusal';
import { TestClock } from './test-clock';

/** What stands around every page. */
export function Shell() {
  const me = useMe();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // A screen reader is at the beginning of the new page, as after a load.
  useEffect(() => {
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [path]);
  if (me.isError && me.data === undefined) return <Refusal problem={problemOf(me.error)} />;
  if (me.data === undefined) return <p className="waiting">{t('Loading…')}</p>;
  const { id, email, role } = me.data;
  const places = placesOf(me.data);
  return (
    <>
      <a className="skip" href="#main">
        {t('Skip to the page')}
      </a>
      <header className="top">
        <Link to="/" className="brand">
          <img src={`${BASE}/console/favicon.svg`} alt="" width="22" height="22" /> {t('Quotidian')}
        </Link>
        <Jump places={places} isOperator={role === 'admin'} />
        <div className="row end tools">
          <Curl />
          <Appearance />
          <Link to="/users/$userId" params={{ userId: String(id) }} search={{ tab: 'account' }} className="account">
            {email}
          </Link>
          <button type="button" onClick={() => void logOut()}>
            {t('Log out')}
          </button>
        </div>
      </header>
      <TestClock />
      <Away />
      <Release />
      <div className="body">
        <nav className="side" aria-label={t('Pages')}>
          {places.map(({ name, icon, link }) => (
            <Link key={name} {...link} activeOptions={{ exact: link.to === '/' }}>
              <Icon name={icon} /> {t(name)}
            </Link>
          ))}
        </nav>
        <main id="main" ref={main} tabIndex={-1}>
          <Outlet />
        </main>
      </div>
    </>
  );
}

function Curl() {
  const calls = useSyncExternalStore(watchCalls, lastCalls);
  const text = calls.map(asCurl).join('\n');
  return (
    <Act name="Copy as curl" confirm="Copy" run={() => navigator.clipboard.writeText(text)}>
      <p>{t('What the page did last, newest first. Your token is not in it.')}</p>
      <pre className="json" tabIndex={0}>
        {text}
      </pre>
    </Act>
  );
}
