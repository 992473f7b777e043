import { t } from '../app/language';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { useMe } from '../app/me';
import { problemOf, Refusal } from '../ui/refusal';
import { NewKey } from './keys';
import { NewPlan, useTiers } from './plans';

/** The first steps, each marked as done when it is: a plan, a user, a key, and the first charge. */
export function FirstRun() {
  const me = useMe();
  const tiers = useTiers();
  const users = useQuery({ queryKey: ['users', 'first'], queryFn: async () => (await api.GET('/v1/users', { params: { query: { limit: 2 } } })).data });
  const userId = String(me.data?.id ?? '');
  const charge = useMutation({ mutationFn: async () => (await api.POST('/v1/requests', { body: { type: 'first' } as never })).data });
  const other = users.data?.items.find(({ id }) => String(id) !== userId);
  return (
    <>
      <h1>{t('First steps')}</h1>
      <ol className="timeline">
        <li>
          <h2>{t('A plan')}</h2>
          <p>
            {tiers.data?.items.length === 1 ? t('There is 1 plan.') : t('There are {count} plans.', { count: tiers.data?.items.length ?? '…' })}{' '}
            {t('A plan is how many units a day somebody has.')}
          </p>
          <NewPlan />
        </li>
        <li>
          <h2>{t('A user')}</h2>
          <p>
            {other ? t('{email} is there.', { email: other.email }) : t('Nobody but you is there yet.')} {t('Users have a plan each, and keys.')}
          </p>
          <Link to="/users">{t('Make one on the page of users')}</Link>
        </li>
        <li>
          <h2>{t('A key')}</h2>
          <p>{t('Programs call with a key. This one is yours.')}</p>
          {userId !== '' && <NewKey userId={userId} />}
        </li>
        <li>
          <h2>{t('The first charge')}</h2>
          <p>{t('A request exists if and only if it was charged.')}</p>
          <button type="button" className="primary" disabled={charge.isPending} onClick={() => charge.mutate()}>
            {t('Make the first charge')}
          </button>
          <Refusal problem={problemOf(charge.error)} />
          {charge.data && (
            <p role="status">
              {t('Charged')} {charge.data.cost}:{' '}
              <Link to="/requests/$requestId" params={{ requestId: charge.data.id }}>
                {t('look at it')}
              </Link>
              .
            </p>
          )}
        </li>
      </ol>
    </>
  );
}
