import { t } from '../app/language';
import { Navigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useMe } from '../app/me';

const Overview = lazy(async () => ({ default: (await import('./operator')).Overview }));

export function Home() {
  const { data } = useMe();
  if (data?.role !== 'admin') return <Navigate to="/users/$userId" params={{ userId: String(data?.id) }} search={{ tab: 'today' }} replace />;
  return (
    <Suspense fallback={<p className="waiting">{t('Loading…')}</p>}>
      <Overview />
    </Suspense>
  );
}
