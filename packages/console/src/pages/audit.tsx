import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { useFilter, usePageSearch } from '../app/search';
import { Field } from '../ui/field';
import { changesBetween, Diff } from '../ui/json';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { instantOf, Time } from '../ui/time';

const FILTERS = [
  ['action', 'Action'],
  ['targetKind', 'Kind of target'],
  ['targetId', 'Target'],
  ['actorId', 'By user'],
] as const;

/** Every administrative change: who, what, and what is different since. */
export function Audit() {
  const search = usePageSearch();
  const filter = useFilter();
  const given = Object.fromEntries(FILTERS.map(([name]) => [name, search[name] === '' ? undefined : search[name]]));
  const events = useQuery({
    queryKey: ['audit', search],
    queryFn: async () => {
      const { actorId, ...rest } = given;
      return (
        await api.GET('/v1/audit-events', {
          params: {
            query: {
              ...rest,
              actorId: actorId === undefined ? undefined : Number(actorId),
              since: instantOf(search.since),
              until: instantOf(search.until),
              cursor: search.cursor,
              limit: 50,
            },
          },
        })
      ).data;
    },
  });
  return (
    <>
      <h1>{t('Audit')}</h1>
      <form
        className="row filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          filter(typedInto(event.currentTarget));
        }}
      >
        {FILTERS.map(([name, label]) => (
          <Field key={`${name}${search[name] ?? ''}`} label={label} name={name} defaultValue={search[name]} />
        ))}
        <Field key={`since${search.since}`} label="Since" name="since" type="datetime-local" defaultValue={search.since} />
        <Field key={`until${search.until}`} label="Until" name="until" type="datetime-local" defaultValue={search.until} />
        <button>{t('Search')}</button>
      </form>
      <Refusal problem={problemOf(events.error)} />
      <Table<Schemas['AuditEventDto']>
        caption="Audit events"
        rows={events.data?.items}
        keyOf={({ id }) => id}
        empty="Nothing like that was done."
        columns={[
          { name: 'At', cell: ({ createdAt }) => <Time at={createdAt} /> },
          { name: 'Action', cell: ({ action }) => action },
          { name: 'Target', cell: ({ target }) => <Target {...target} /> },
          { name: 'By', cell: ({ actor: { kind, id } }) => (id === null ? kind : <Target kind="user" id={String(id)} />) },
          { name: 'Changed', cell: ({ before, after }) => <Diff changes={changesBetween(before, after)} /> },
          { name: 'Reason', cell: ({ reason }) => reason ?? '' },
        ]}
      />
      <Pager cursor={search.cursor} next={events.data?.nextCursor} />
    </>
  );
}

function Target({ kind, id }: { kind: string; id: string }) {
  if (kind === 'user')
    return (
      <Link to="/users/$userId" params={{ userId: id }}>
        {t('user')} {id}
      </Link>
    );
  if (kind === 'configuration')
    return (
      <Link to="/settings/$key" params={{ key: id }}>
        {id}
      </Link>
    );
  return (
    <>
      {kind} {id}
    </>
  );
}
