import { t } from '../app/language';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { useFollow } from '../api/follow';
import { type Schemas } from '../api/types';
import { usePathPart } from '../app/search';
import { Act } from '../ui/act';
import { problemOf, Refusal } from '../ui/refusal';
import { Table } from '../ui/table';
import { Time } from '../ui/time';
import { Tree } from '../ui/tree';
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
  });
  useFollow(requestId, found.data === undefined || FINAL.includes(found.data.status));
  const problem = problemOf(found.error);
  if (problem?.status === 404 || problem?.status === 400) return <NotThere />;
  if (found.data === undefined) return problem ? <Refusal problem={problem} /> : <p className="waiting">{t('Loading…')}</p>;
  const { type, status, userId, payload, result, error, attempts } = found.data;
  return (
    <>
      <div className="row between">
        <h1 className="name">{type}</h1>
        {!FINAL.includes(status) && (
          <Act name="Cancel the request" isDanger run={() => api.POST('/v1/requests/{id}/cancel', { params: { path } })}>
            <p>{t('Work that was not begun is not done, and its units are given back. A worker that has it is asked to stop.')}</p>
          </Act>
        )}
      </div>
      <p className="muted">
        <code>{requestId}</code> · <RequestStatus status={status} /> {t('· user')}{' '}
        <Link to="/users/$userId" params={{ userId: String(userId) }}>
          {userId}
        </Link>
      </p>
      <Timeline request={found.data} />
      <h2>{t('Attempts')}</h2>
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
      <h2>{t('Payload')}</h2>
      <Tree value={payload} label="Payload" />
      <h2>{error === null || error === undefined ? t('Result') : t('Error')}</h2>
      <Tree value={error ?? result} label="Result" />
    </>
  );
}

/** What happened to it, in order; what is to come stands last. */
function Timeline({ request }: { request: Schemas['RequestDetailDto'] }) {
  const { status, cost, refundedUnits, chargedOn, createdAt, startedAt, finishedAt, availableAt, deadlineAt, cancelRequestedAt } = request;
  const isOver = FINAL.includes(status);
  return (
    <ol className="timeline">
      <li className="done">
        {t('Charged {cost} on {date}', { cost, date: chargedOn })}, <Time at={createdAt} />
      </li>
      {startedAt !== null && (
        <li className="done">
          {t('Begun,')} <Time at={startedAt} />
        </li>
      )}
      {cancelRequestedAt !== null && (
        <li className="done">
          {t('Asked to stop,')} <Time at={cancelRequestedAt} />
        </li>
      )}
      {finishedAt !== null && (
        <li className={status === 'succeeded' ? 'done good' : 'done bad'}>
          {t(status)}, <Time at={finishedAt} />
        </li>
      )}
      {refundedUnits > 0 && <li className="done">{t('Refunded {units} of {cost}', { units: refundedUnits, cost })}</li>}
      {!isOver && availableAt !== null && (
        <li>
          {t('May begin')} <Time at={availableAt} />
        </li>
      )}
      {!isOver && deadlineAt !== null && (
        <li>
          {t('Expires')} <Time at={deadlineAt} />
        </li>
      )}
      {!isOver && (
        <li>
          {status === 'pending' ? t('Waits for a worker') : t('A worker has it')}
          {t('; this page shows what comes as it comes.')}
        </li>
      )}
    </ol>
  );
}
