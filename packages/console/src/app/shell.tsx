import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { asCurl, lastCalls, watchCalls } from '../api/calls';
import { logOut } from '../api/session';
import { Act } from '../ui/act';
import { Appearance } from './appearance';
import { Away } from './away';
import { Jump } from './jump';
import { useMe } from './me';
import { problemOf, Refusal } from '../ui/refusal';

const OPERATOR = [
  ['/', 'Overview'],
  ['/users', 'Users'],
  ['/requests', 'Requests'],
  ['/plans', 'Plans'],
  ['/settings', 'Settings'],
  ['/webhooks', 'Webhooks'],
  ['/jobs', 'Jobs'],
  ['/audit', 'Audit'],
] as const;

const OWN = [
  ['today', 'Today'],
  ['usage', 'Usage'],
  ['requests', 'Requests'],
  ['keys', 'Keys'],
  ['settings', 'Settings'],
  ['sessions', 'Sessions'],
  ['account', 'Account'],
] as const;

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
  if (me.data === undefined) return <p className="waiting">Loading…</p>;
  const { id, email, role } = me.data;
  return (
    <>
      <a className="skip" href="#main">
        Skip to the page
      </a>
      <header className="top">
        <Link to="/" className="brand">
          Quotidian
        </Link>
        <Jump isOperator={role === 'admin'} />
        <Curl />
        <Link to="/users/$userId" params={{ userId: String(id) }} className="account">
          {email}
        </Link>
        <button type="button" onClick={() => void logOut()}>
          Log out
        </button>
      </header>
      <Away />
      <div className="body">
        <nav className="side" aria-label="Pages">
          {role === 'admin'
            ? OPERATOR.map(([to, name]) => (
                <Link key={to} to={to} activeOptions={{ exact: to === '/' }} search={{}}>
                  {name}
                </Link>
              ))
            : OWN.map(([tab, name]) => (
                <Link key={tab} to="/users/$userId" params={{ userId: String(id) }} search={{ tab }}>
                  {name}
                </Link>
              ))}
          {role === 'user' && (
            <Link to="/webhooks" search={{}}>
              Webhooks
            </Link>
          )}
          <Appearance />
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
      <p>What the page did last, newest first. Your token is not in it.</p>
      <pre className="json" tabIndex={0}>
        {text}
      </pre>
    </Act>
  );
}
