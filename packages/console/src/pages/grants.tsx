import { LOCALE, t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { useMe } from '../app/me';
import { usePageSearch } from '../app/search';
import { Act } from '../ui/act';
import { errorAt, Field } from '../ui/field';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { type Column, Table } from '../ui/table';
import { instantOf, Time } from '../ui/time';

type Grant = Schemas['GrantDto'];

/** Whether anything can still be drawn from it, and if not, why. */
function GrantState({ grant: { remaining, revokedAt, expiresAt } }: { grant: Grant }) {
  if (revokedAt !== null) return <span className="tag bad">{t('revoked')}</span>;
  if (expiresAt !== null && Date.parse(expiresAt) <= Date.now()) return <span className="tag">{t('expired')}</span>;
  return remaining > 0 ? <span className="tag good">{t('can be drawn')}</span> : <span className="tag">{t('used up')}</span>;
}

const COLUMNS: Column<Grant>[] = [
  { name: 'Units', cell: ({ units }) => units.toLocaleString(LOCALE), isNumber: true },
  { name: 'Used', cell: ({ used }) => used.toLocaleString(LOCALE), isNumber: true },
  { name: 'Left', cell: ({ remaining }) => remaining.toLocaleString(LOCALE), isNumber: true },
  { name: 'State', cell: (grant) => <GrantState grant={grant} /> },
  { name: 'Until', cell: ({ expiresAt }) => (expiresAt === null ? t('without an end') : <Time at={expiresAt} />) },
  { name: 'Drawn in order', cell: ({ priority }) => priority, isNumber: true },
  { name: 'Reason', cell: ({ reason, rolledFrom }) => (rolledFrom === null ? reason : t('unused units of {date}', { date: rolledFrom })) },
  { name: 'Made', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

/** Units beside the day's own: what is left of each, and until when. Operators make and revoke them. */
export function Grants({ userId }: { userId: string }) {
  const me = useMe();
  const { cursor } = usePageSearch();
  const grants = useQuery({
    queryKey: ['grants', userId, cursor],
    queryFn: async () => (await api.GET('/v1/users/{userId}/quota/grants', { params: { path: { userId }, query: { cursor, limit: 50 } } })).data,
  });
  const isOperator = me.data?.role === 'admin';
  const acts: Column<Grant>[] = [{ name: 'Acts', cell: (grant) => grant.remaining > 0 && <Revoke {...{ userId, grant }} /> }];
  return (
    <>
      <p>{t('Units that are granted once. They are drawn when the units of the day are used up.')}</p>
      {isOperator && <NewGrant userId={userId} />}
      <Refusal problem={problemOf(grants.error)} />
      <Table
        caption="Grants"
        rows={grants.data?.items}
        keyOf={({ id }) => id}
        empty={isOperator ? 'Nothing was granted yet: grant units beside those of the day.' : 'Nothing was granted yet.'}
        columns={isOperator ? [...COLUMNS, ...acts] : COLUMNS}
      />
      <Pager cursor={cursor} next={grants.data?.nextCursor} />
    </>
  );
}

function NewGrant({ userId }: { userId: string }) {
  return (
    <Act
      name="Grant units"
      run={({ units = '', until, priority = '', reason = '' }) =>
        api.POST('/v1/users/{userId}/quota/grants', {
          params: { path: { userId } },
          body: { units: Number(units), expiresAt: instantOf(until) ?? null, reason, ...(priority === '' ? {} : { priority: Number(priority) }) },
        })
      }
    >
      {(problem) => (
        <>
          <Field label="Units" name="units" type="number" min={1} required error={errorAt(problem, '#/units')} />
          <Field label="Until" name="until" type="datetime-local" hint="Empty: without an end." error={errorAt(problem, '#/expiresAt')} />
          <Field label="Drawn in order" name="priority" type="number" placeholder="100" hint="The smallest first." error={errorAt(problem, '#/priority')} />
          <Field label="Reason" name="reason" required maxLength={500} error={errorAt(problem, '#/reason')} />
        </>
      )}
    </Act>
  );
}

function Revoke({ userId, grant: { id, remaining } }: { userId: string; grant: Grant }) {
  return (
    <Act
      name={t('Revoke grant {id}', { id })}
      short="Revoke"
      isDanger
      run={({ reason }) => api.DELETE('/v1/users/{userId}/quota/grants/{grantId}', { params: { path: { userId, grantId: id }, query: { reason } } })}
    >
      <p>{t('{units} units that are left cannot be drawn any more. What it has paid stays paid.', { units: remaining.toLocaleString(LOCALE) })}</p>
      <Field label="Reason" name="reason" maxLength={500} />
    </Act>
  );
}
