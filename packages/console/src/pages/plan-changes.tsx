import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { usePageSearch } from '../app/search';
import { Act } from '../ui/act';
import { Field } from '../ui/field';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';

type Change = Schemas['TierChangeDto'];

/** Changes of plan that wait for the next day of their user, or for their date. */
export function PlanChanges() {
  const { cursor } = usePageSearch();
  const changes = useQuery({
    queryKey: ['plan-changes', cursor],
    queryFn: async () => (await api.GET('/v1/tier-changes', { params: { query: { cursor, limit: 50 } } })).data,
  });
  return (
    <>
      <h1>{t('Changes of plan')}</h1>
      <p>{t('They wait for the next day of their user, or for a date. A user has one at a time.')}</p>
      <Refusal problem={problemOf(changes.error)} />
      <Table<Change>
        caption="Changes of plan"
        rows={changes.data?.items}
        keyOf={({ userId }) => userId}
        empty="No change of plan waits. The page of a user changes their plan now, with their next day or on a date."
        columns={[
          {
            name: 'User',
            cell: ({ userId, email }) => (
              <Link to="/users/$userId" params={{ userId: String(userId) }}>
                {email}
              </Link>
            ),
          },
          { name: 'Plan', cell: ({ tier }) => tier },
          { name: 'Then', cell: ({ next }) => <strong>{next.tier}</strong> },
          { name: 'Units a day', cell: ({ next }) => next.dailyQuota?.toLocaleString(LOCALE) ?? t('unlimited'), isNumber: true },
          { name: 'From', cell: ({ next }) => <Time at={next.effectiveAt} /> },
          { name: 'Acts', cell: ({ userId, email }) => <CancelPlanChange userId={String(userId)} of={email} /> },
        ]}
      />
      <Pager cursor={cursor} next={changes.data?.nextCursor} />
    </>
  );
}

/** @param of whose it is, where the page does not show it */
export function CancelPlanChange({ userId, of }: { userId: string; of?: string }) {
  return (
    <Act
      name={of === undefined ? 'Cancel the change of plan' : t('Cancel it: the change of plan of {name}', { name: of })}
      short={of === undefined ? undefined : 'Cancel it'}
      confirm="Have it not happen"
      isDanger
      run={({ reason }) => api.DELETE('/v1/users/{userId}/tier-change', { params: { path: { userId }, query: { reason } } })}
    >
      <p>{t('The user stays on the plan that they have.')}</p>
      <Field label="Reason" name="reason" maxLength={500} />
    </Act>
  );
}
