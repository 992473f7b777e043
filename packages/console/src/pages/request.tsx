import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { usePathPart } from '../app/search';
import { Act } from '../ui/act';
import { Json } from '../ui/json';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { NotThere } from './not-there';
import { RequestStatus } from './requests';

const FINAL = ['succeeded', 'failed', 'expired', 'canceled'];

/** One request: what was charged, every attempt, what came of it. */
export function RequestPage() {
  const requestId = usePathPart('requestId');
  const path = { id: requestId };
  const found = useQuery({
    queryKey: ['request', requestId],
    queryFn: async () => (await api.GET('/v1/requests/{id}', { params: { path } })).data,
    refetchInterval: ({ state }) => (state.data && !FINAL.includes(state.data.status) ? 2_000 : false),
  });
  const problem = problemOf(found.error);
  if (problem?.status === 404 || problem?.status === 400) return <NotThere />;
  if (found.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">Loading…</p>;
  const { type, status, cost, refundedUnits, chargedOn, createdAt, startedAt, finishedAt, userId, payload, result, error, attempts } = found.data;
  return (
    <>
      <div className="row between">
        <h1 className="name">{type}</h1>
        {!FINAL.includes(status) && (
          <Act name="Cancel the request" isDanger run={() => api.POST('/v1/requests/{id}/cancel', { params: { path } })}>
            <p>Work that was not begun is not done, and its units are given back. A worker that has it is asked to stop.</p>
          </Act>
        )}
      </div>
      <p className="muted">
        <code>{requestId}</code> · <RequestStatus status={status} /> · user{' '}
        <Link to="/users/$userId" params={{ userId: String(userId) }}>
          {userId}
        </Link>
      </p>
      <ol className="timeline">
        <li>
          Charged {cost} on {chargedOn}, <Time at={createdAt} />
        </li>
        {startedAt !== null && (
          <li>
            Begun, <Time at={startedAt} />
          </li>
        )}
        {finishedAt !== null && (
          <li>
            {status}, <Time at={finishedAt} />
          </li>
        )}
        {refundedUnits > 0 && <li>Refunded {refundedUnits}</li>}
      </ol>
      <h2>Attempts</h2>
      <Table<Schemas['AttemptDto']>
        caption="Attempts"
        rows={attempts}
        keyOf={({ attempt }) => attempt}
        empty="No worker has claimed it yet."
        columns={[
          { name: 'Attempt', cell: ({ attempt }) => attempt, isNumber: true },
          { name: 'Outcome', cell: ({ outcome }) => outcome ?? 'under way' },
          { name: 'Begun', cell: ({ startedAt: at }) => <Time at={at} /> },
          { name: 'Ended', cell: ({ endedAt }) => <Time at={endedAt} /> },
          { name: 'Error', cell: ({ error: reason }) => (reason === null || reason === undefined ? '' : <code>{JSON.stringify(reason)}</code>) },
        ]}
      />
      <h2>Payload</h2>
      <Json value={payload} />
      <h2>{error === null || error === undefined ? 'Result' : 'Error'}</h2>
      <Json value={error ?? result} />
    </>
  );
}
