import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { api } from '../api/client';
import { useFollowList } from '../api/follow';
import { type ApiRequest, type Schemas } from '../api/types';
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

/** A page of the service looks at so many requests and no further; the console asks on for a page of its own, for so long. */
const ASKS_ON_MS = 400;
const PAGE = 50;

/** One page of the requests that the address of the console's page asks for. */
async function pageOf(userId: number | undefined, search: Partial<Record<string, string>>): Promise<Schemas['RequestPage']> {
  const { status, type, since, until, payloadKey, payloadValue } = search;
  const chosen = (text: string | undefined) => (text === '' ? undefined : text);
  const query = {
    userId,
    status: chosen(status) as 'pending' | undefined,
    type: chosen(type),
    payloadKey: chosen(payloadKey),
    payloadValue: chosen(payloadKey) && chosen(payloadValue),
    since: instantOf(since),
    until: instantOf(until),
  };
  const items: ApiRequest[] = [];
  const end = performance.now() + ASKS_ON_MS;
  let cursor = chosen(search.cursor);
  for (;;) {
    const { data } = await api.GET('/v1/requests', { params: { query: { ...query, cursor, limit: PAGE - items.length } } });
    items.push(...data.items);
    cursor = data.nextCursor ?? undefined;
    if (cursor === undefined || items.length >= PAGE || performance.now() > end) return { ...data, items };
  }
}

function RequestList({ userId }: { userId: number | undefined }) {
  const search = usePageSearch();
  const filter = useFilter();
  const navigate = useNavigate();
  const { status, type, payloadKey, payloadValue, since, until, cursor } = search;
  const requests = useQuery({ queryKey: ['requests', userId, search], queryFn: () => pageOf(userId, search) });
  useFollowList(userId, search.live === 'no' || cursor !== undefined);
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
        <Field label="Id" name="id" placeholder={t('the whole id')} />
        <Choice label="Status" value={status ?? ''} onChange={({ target }) => filter({ status: target.value })}>
          <option value="">{t('any')}</option>
          {STATUSES.map((name) => (
            <option key={name} value={name}>
              {t(name)}
            </option>
          ))}
        </Choice>
        <Field label="Type" name="type" key={`type ${type}`} defaultValue={type} />
        <Field label="Payload has" name="payloadKey" key={`key ${payloadKey}`} defaultValue={payloadKey} placeholder={t('a member’s name')} maxLength={200} />
        <Field label="with the value" name="payloadValue" key={`value ${payloadValue}`} defaultValue={payloadValue} placeholder={t('any')} maxLength={1000} />
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
        columns={userId === undefined ? COLUMNS : COLUMNS.filter(({ name }) => name !== 'User')}
        rows={requests.data?.items ?? (requests.isError ? [] : undefined)}
        keyOf={({ id }) => id}
        empty={
          requests.data?.nextCursor
            ? 'None among those that were looked through: go on with the next page, or choose a time.'
            : 'No request is like that yet: POST /v1/requests makes one.'
        }
      />
      <Pager cursor={cursor} next={requests.data?.nextCursor} />
    </>
  );
}
