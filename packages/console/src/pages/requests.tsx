import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { api } from '../api/client';
import { type ApiRequest } from '../api/types';
import { useFilter, usePageSearch } from '../app/search';
import { Choice, Field } from '../ui/field';
import { Pager } from '../ui/pager';
import { problemOf, Refusal } from '../ui/refusal';
import { type Column, Table } from '../ui/table';
import { instantOf, Time } from '../ui/time';

const STATUSES = ['pending', 'processing', 'succeeded', 'failed', 'expired', 'canceled'] as const;
const TONES: Partial<Record<string, string>> = { succeeded: 'good', failed: 'bad', expired: 'bad' };

export function RequestStatus({ status }: { status: string }) {
  return <span className={`tag ${TONES[status] ?? ''}`}>{t(status)}</span>;
}

const COLUMNS: Column<ApiRequest>[] = [
  {
    name: 'Request',
    cell: ({ id }) => (
      <Link to="/requests/$requestId" params={{ requestId: id }}>
        <code>{id}</code>
      </Link>
    ),
  },
  { name: 'Type', cell: ({ type }) => type },
  { name: 'Status', cell: ({ status }) => <RequestStatus status={status} /> },
  { name: 'Attempt', cell: ({ attempt }) => attempt, isNumber: true },
  { name: 'Units', cell: ({ cost, refundedUnits }) => (refundedUnits > 0 ? `${cost} − ${refundedUnits}` : cost), isNumber: true },
  {
    name: 'User',
    cell: ({ userId }) => (
      <Link to="/users/$userId" params={{ userId: String(userId) }}>
        {userId}
      </Link>
    ),
    isNumber: true,
  },
  { name: 'At', cell: ({ createdAt }) => <Time at={createdAt} /> },
];

/** The queue and all that left it, of everybody. */
export function Requests() {
  return (
    <>
      <h1>{t('Requests')}</h1>
      <RequestList userId={undefined} />
    </>
  );
}

export function OwnRequests({ userId }: { userId: string }) {
  return <RequestList userId={Number(userId)} />;
}

function RequestList({ userId }: { userId: number | undefined }) {
  const search = usePageSearch();
  const filter = useFilter();
  const navigate = useNavigate();
  const { status, type, since, until, cursor } = search;
  const given = (text: string | undefined) => (text === '' ? undefined : text);
  const requests = useQuery({
    queryKey: ['requests', userId, search],
    queryFn: async () => {
      const query = {
        userId,
        status: given(status) as 'pending' | undefined,
        type: given(type),
        since: instantOf(since),
        until: instantOf(until),
        cursor,
        limit: 50,
      };
      return (await api.GET('/v1/requests', { params: { query } })).data;
    },
    refetchInterval: search.live === 'no' || cursor !== undefined ? false : 3_000,
  });
  return (
    <>
      <form
        className="row filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const { id = '', ...typed } = typedInto(event.currentTarget);
          if (id.trim() !== '') void navigate({ to: '/requests/$requestId', params: { requestId: id.trim() } });
          else filter(typed);
        }}
      >
        <Field label="Id" name="id" placeholder="the whole id" />
        <Choice label="Status" value={status ?? ''} onChange={({ target }) => filter({ status: target.value })}>
          <option value="">{t('any')}</option>
          {STATUSES.map((name) => (
            <option key={name} value={name}>
              {t(name)}
            </option>
          ))}
        </Choice>
        <Field label="Type" name="type" key={`type ${type}`} defaultValue={type} />
        <Field label="Since" name="since" type="datetime-local" key={`since ${since}`} defaultValue={since} />
        <Field label="Until" name="until" type="datetime-local" key={`until ${until}`} defaultValue={until} />
        <Choice label="New ones" value={search.live ?? ''} onChange={({ target }) => filter({ live: target.value })}>
          <option value="">{t('as they come')}</option>
          <option value="no">{t('paused')}</option>
        </Choice>
        <button>{t('Search')}</button>
      </form>
      <Refusal problem={problemOf(requests.error)} />
      <Table
        caption="Requests"
        columns={COLUMNS}
        rows={requests.data?.items}
        keyOf={({ id }) => id}
        empty="No request is like that yet: POST /v1/requests makes one."
      />
      <Pager cursor={cursor} next={requests.data?.nextCursor} />
    </>
  );
}
